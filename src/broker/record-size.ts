/**
 * What a record takes on the wire, uncompressed: record format v2 of Kafka's protocol, whose lengths are zigzag varints.
 * https://kafka.apache.org/documentation/#recordbatch
 */
import type { OutgoingRecord } from './port.ts'

/** The frame of a record batch, in bytes. */
export const batchOverheadBytes = 61

/** Bytes of the record as the only one of its batch. */
export function recordBytes(record: Pick<OutgoingRecord, 'key' | 'value' | 'headers' | 'encodedHeaders'>): number {
  const body = 1 + 1 + 1 + bytesField(record.key) + bytesField(record.value) + headerBytes(record)
  return varintBytes(body) + body
}

function headerBytes(record: Pick<OutgoingRecord, 'headers' | 'encodedHeaders'>): number {
  const { encodedHeaders } = record
  if (encodedHeaders) return varintBytes(encodedHeaders.count) + encodedHeaders.bytes.length
  let bytes = varintBytes(record.headers.length)
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name)
    bytes += varintBytes(nameBytes) + nameBytes + bytesField(value)
  }
  return bytes
}

function bytesField(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintBytes(bytes.length) + bytes.length
}

/** Zigzag doubles the value, so 64 needs a second byte. */
function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
