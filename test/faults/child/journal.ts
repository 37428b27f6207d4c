/** The worker's side of the log: see check/events.ts. */
import { openSync, writeSync } from 'node:fs'
import type { Broker, BrokerRecord, CommittedOffset } from '../../../src/broker/port.ts'
import { decodeFinished } from '../../../src/consume/finished.ts'
import { readTrail } from '../../../src/topic/trail.ts'
import type { Committed, Happening } from '../check/events.ts'

export type Write = (happening: Happening) => void

/**
 * One write a line, at the end of the file whoever else writes: the kernel keeps them apart and in order. But a SIGKILL may cut one
 * where a page of the file ends, so each begins on a line of its own.
 */
export function openJournal(path: string, who: string): Write {
  const file = openSync(path, 'a')
  return happening => void writeSync(file, `\n${JSON.stringify({ who, at: Date.now(), ...happening })}\n`)
}

/** The broker, with every commit of its consumers written down before it is sent and after it is acknowledged, and every copy as it comes. */
export function writesDown(broker: Broker, write: Write): Broker {
  return {
    ...broker,
    consumer(options) {
      const onRecords: typeof options.onRecords = (records, heartbeat) => {
        for (const record of records) writeCopy(record, write)
        return options.onRecords(records, heartbeat)
      }
      const consumer = broker.consumer({ ...options, onRecords })
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

function writeCopy({ topic, partition, offset, headers }: BrokerRecord, write: Write): void {
  const trail = readTrail(headers)
  if (!trail) return
  const { origin } = trail
  const about = { topic: origin.topic, partition: origin.partition, offset: String(origin.offset), attempt: trail.attempt + 1 }
  write({ what: 'fetched', copy: { topic, partition, offset: String(offset) }, ...about })
}

function toTell({ topic, partition, offset, metadata }: CommittedOffset): Committed {
  const above = decodeFinished(offset, metadata).map(({ from, to }) => [String(from), String(to)] as const)
  return { topic, partition, offset: String(offset), above }
}
