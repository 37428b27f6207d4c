/** Whether a broker is there at all: said in seconds, where a Kafka client tries for most of a minute. */
import { connect } from 'node:net'
import { BrokerUnavailable } from '../errors.ts'

const patienceMs = 4_000

/** Rejects with BrokerUnavailable (E_BROKER_UNAVAILABLE) when none of the addresses takes a connection. */
export async function reachBroker(brokers: readonly string[]): Promise<void> {
  try {
    await Promise.any(brokers.map(knock))
  } catch (error) {
    const { errors } = error as AggregateError
    const each = brokers.map((broker, i) => `${broker} (${(errors[i] as Error).message})`)
    throw new BrokerUnavailable(`no broker answers: ${each.join(', ')}`)
  }
}

function knock(broker: string): Promise<void> {
  const colon = broker.lastIndexOf(':')
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(broker.slice(colon + 1)), timeout: patienceMs })
    const settle = (end: () => void) => {
      socket.destroy()
      end()
    }
    socket.once('connect', () => settle(resolve))
    socket.once('timeout', () => settle(() => reject(new Error(`silent for ${patienceMs} ms`))))
    socket.once('error', error => settle(() => reject(new Error((error as { code?: string }).code ?? error.message))))
  })
}
