/** The worker's side of the log: see check/events.ts. */
import { openSync, writeSync } from 'node:fs'
import type { Broker, CommittedOffset } from '../../../src/broker/port.ts'
import { decodeFinished } from '../../../src/consume/finished.ts'
import type { Committed, Happening } from '../check/events.ts'

export type Write = (happening: Happening) => void

/** One write a line, at the end of the file whoever else writes: the kernel keeps them apart and in order. */
export function openJournal(path: string, who: string): Write {
  const file = openSync(path, 'a')
  return happening => void writeSync(file, `${JSON.stringify({ who, at: Date.now(), ...happening })}\n`)
}

/** The broker, with every commit of its consumers written down before it is sent and after it is acknowledged. */
export function writesCommits(broker: Broker, write: Write): Broker {
  return {
    ...broker,
    consumer(options) {
      const consumer = broker.consumer(options)
      return {
        ...consumer,
        async commit(offsets) {
          const told = offsets.map(toTell)
          write({ what: 'committing', offsets: told })
          try {
            await consumer.commit(offsets)
          } catch (error) {
            write({ what: 'commit-failed', error: String(error) })
            throw error
          }
          write({ what: 'committed', offsets: told })
        },
      }
    },
  }
}

function toTell({ topic, partition, offset, metadata }: CommittedOffset): Committed {
  const above = decodeFinished(offset, metadata).map(({ from, to }) => [String(from), String(to)] as const)
  return { topic, partition, offset: String(offset), above }
}
