import type { BrokerRecord, Reader, TopicPartition } from './port.ts'

/** The first committed record with from <= offset < to; undefined when there is none, as where only markers of transactions lie. */
export async function firstRecord(
  reader: Reader,
  { topic, partition, from, to }: TopicPartition & { readonly from: bigint; readonly to: bigint },
): Promise<BrokerRecord | undefined> {
  let found: BrokerRecord | undefined
  let start = from
  for (let slice = 1n; start < to && !found; slice *= 64n) {
    const end = start + slice < to ? start + slice : to
    await reader.read({ topic, partition, from: start, to: end }, record => {
      found ??= record
    })
    start = end
  }
  return found
}
