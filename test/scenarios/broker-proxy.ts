/** A proxy before the broker: through it, answers can be held back for ever, or the broker be gone, for one process alone. */
import { connect, createServer, type Socket } from 'node:net'
import { inject, onTestFinished } from 'vitest'

export interface BrokerProxy {
  /** For a child: `<port of the broker>:<port of the proxy>`. */
  readonly redirect: string
  /** The connections that exist stay open and carry nothing any more, in either direction; new ones work. */
  freeze(): void
  /** All connections end, and so do new ones, at once. */
  refuse(): void
  allow(): void
}

export async function startProxy(): Promise<BrokerProxy> {
  const [host, port] = inject('brokers')[0]!.split(':') as [string, string]
  const pairs = new Set<[Socket, Socket]>()
  let refusing = false
  const server = createServer(client => {
    if (refusing) return void client.destroy()
    const broker = connect(Number(port), host)
    const pair: [Socket, Socket] = [client, broker]
    pairs.add(pair)
    for (const [one, other] of [pair, pair.toReversed() as [Socket, Socket]]) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
      one.pipe(other)
    }
    client.on('close', () => pairs.delete(pair))
  })
  const end = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    end()
    server.close()
  })
  return {
    redirect: `${port}:${(server.address() as { port: number }).port}`,
    freeze() {
      for (const [client, broker] of pairs) {
        client.unpipe(broker).pause()
        broker.unpipe(client).pause()
      }
    },
    refuse() {
      refusing = true
      end()
    },
    allow() {
      refusing = false
    },
  }
}
