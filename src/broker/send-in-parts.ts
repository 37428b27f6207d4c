import { codeOf } from '../errors.ts'
import type { BatchProducer, OutgoingRecord } from './port.ts'

/**
 * Sends records of one partition, in order, in as many requests as it takes: a topic may take less at once than we put together, and
 * only the broker knows how much. Resolves with their offsets. Rejects with RecordTooLarge (E_RECORD_TOO_LARGE) when a single one is
 * too large; those before it are written then.
 */
export async function sendInParts(
  producer: BatchProducer,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
): Promise<bigint[]> {
  try {
    const base = await producer.sendBatch(topic, partition, records)
    return records.map((_, i) => base + BigInt(i))
  } catch (error) {
    if (codeOf(error) !== 'E_RECORD_TOO_LARGE' || records.length === 1) throw error
    const half = Math.ceil(records.length / 2)
    const first = await sendInParts(producer, topic, partition, records.slice(0, half))
    return [...first, ...(await sendInParts(producer, topic, partition, records.slice(half)))]
  }
}
