/** Copies that wait in a tier, as failures would have left them: the records of the bench, each with a trail. */
import type { Broker, OutgoingRecord } from '../src/broker/port.ts'
import { withTrail } from '../src/topic/trail.ts'
import { partitions, rawRecords } from './records.ts'

const dueInMs = 3_600_000
/** Some 400 KB: less than a broker takes at once. */
const batch = 250
const failure = { class: 'Error', message: 'the bank is closed', stack: 'at charge (shop.ts:12)\n'.repeat(30), fingerprint: 'f' }

/** Their originals lie far beyond what is read of the topic, so that nothing there waits for them. */
export async function fillTier(
  broker: Broker,
  schemaId: number,
  { group, topic, tier, copies }: { group: string; topic: string; tier: string; copies: number },
): Promise<void> {
  const raw = await rawRecords(schemaId)
  const nowMs = Date.now()
  const copyOf = (partition: number, index: number): OutgoingRecord => {
    const { key, value, headers } = raw[(index * partitions + partition) % raw.length]!
    const origin = { topic, partition, offset: BigInt(1_000_000 + index), timestampMs: nowMs }
    const said = { origin, group, attempt: 1, hop: 1, redriveCount: 0, dueAtMs: nowMs + dueInMs, firstFailedAtMs: nowMs, failure }
    return { topic: tier, partition, key, value, headers: withTrail(Object.entries(headers), said) }
  }
  const producer = broker.producer()
  const fill = async (partition: number): Promise<void> => {
    const last = Math.floor(copies / partitions)
    for (let from = 0; from < last; from += batch) {
      const records = Array.from({ length: Math.min(batch, last - from) }, (_, i) => copyOf(partition, from + i))
      await producer.sendBatch(tier, partition, records)
    }
  }
  await Promise.all(Array.from({ length: partitions }, (_, partition) => fill(partition)))
  await producer.close()
}
