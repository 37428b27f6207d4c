import type { OutgoingRecord, TopicPartition } from './port.ts'
import { recordBytes } from './record-size.ts'

/** Records of one partition, in order: what one request carries. */
export interface Chunk extends TopicPartition {
  readonly records: OutgoingRecord[]
}

/** Below the 1,048,588 bytes that a topic takes at once by default (`max.message.bytes`), the frame of the batch included. */
export const chunkBytes = 1_000_000

/** All records, those of a partition in their order and in chunks of at most so many bytes; one that is larger goes alone. */
export function chunksOf(records: readonly OutgoingRecord[], maxBytes = chunkBytes): Chunk[] {
  const chunks: Chunk[] = []
  const filling = new Map<string, { readonly chunk: Chunk; bytes: number }>()
  for (const record of records) {
    const { topic, partition } = record
    const size = recordBytes(record)
    const last = filling.get(`${topic}/${partition}`)
    if (last && last.bytes + size <= maxBytes) {
      last.chunk.records.push(record)
      last.bytes += size
      continue
    }
    const chunk = { topic, partition, records: [record] }
    chunks.push(chunk)
    filling.set(`${topic}/${partition}`, { chunk, bytes: size })
  }
  return chunks
}
