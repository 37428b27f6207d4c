/**
 * What a record takes on the wire, uncompressed: record format v2 of Kafka's protocol, whose lengths are zigzag varints.
 * https://kafka.apache.org/documentation/#recordbatch
 */
import type { OutgoingRecord } from './port.ts'

/** The frame of a record batch, in bytes. */
export const batchOverheadBytes = 61

/** Bytes of the record as the only one of its batch. */
export function recordBytes(record: Pick<OutgoingRecord, 'key' | 'value' | 'headers' | 'encodedHeaders'>): number {
  const body = 1 + 1 + 1 + fieldSize(record.key) + fieldSize(record.value) + headerBytes(record)
  return withLength(body)
}

/** Bytes of a record with the length that stands before it. */
export function withLength(body: number): number {
  return varintSize(body * 2) + body
}

function headerBytes(record: Pick<OutgoingRecord, 'headers' | 'encodedHeaders'>): number {
  const { encodedHeaders } = record
  if (encodedHeaders) return varintSize(encodedHeaders.count * 2) + encodedHeaders.bytes.length
  let bytes = varintSize(record.headers.length * 2)
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name)
    bytes += withLength(nameBytes) + fieldSize(value)
  }
  return bytes
}

/** Bytes of a key, value or header with its length. */
export function fieldSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : withLength(bytes.length)
}

/** Of a number that is zigzagged already, as doubling does to what is not negative: 64 needs a second byte. */
export function varintSize(zigzagged: number): number {
  let size = 1
  for (let rest = zigzagged; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}
