/**
 * A record of the format v2 as it is written. kafkajs's own encoder throws on a header without a value, which is legal and which Java
 * clients send, and costs an encoder object a record and a header. Headers travel as our pairs, in order, or as bytes. Whoever else
 * uses kafkajs in this process may still send its headers object, and texts.
 * https://kafka.apache.org/documentation/#record
 */
import { EncodedHeaders } from '../../message/encoded-headers.ts'
import type { Header, Headers } from '../../message/headers.ts'
import { fieldSize, varintSize } from '../record-size.ts'
import type { KafkaJsHeaders } from './headers.ts'

/** A message as it is given to kafkajs. */
export interface GivenMessage {
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: Headers | EncodedHeaders | KafkaJsHeaders
}

export interface EncodableRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Pairs | EncodedHeaders
}

type Pairs = readonly (readonly [string, Buffer | null])[]

/** The message itself where it is one already, as ours are. */
export function encodable(message: GivenMessage): EncodableRecord {
  const { key, value, headers } = message
  const isOne = isBytes(key) && isBytes(value) && (headers instanceof EncodedHeaders || Array.isArray(headers))
  if (isOne) return message as EncodableRecord
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers instanceof EncodedHeaders ? headers : pairsOf(headers),
  }
}

function isBytes(value: unknown): boolean {
  return value === null || Buffer.isBuffer(value)
}

function pairsOf(headers: Headers | KafkaJsHeaders | undefined): Pairs {
  if (headers === undefined) return []
  if (Array.isArray(headers)) return headers as Headers
  const object = headers as KafkaJsHeaders
  return Object.keys(object).flatMap(name => {
    const value = object[name]
    return Array.isArray(value) ? value.map((one): Header => [name, bytesOf(one)]) : [[name, bytesOf(value)] as Header]
  })
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
}

/** Bytes of a record behind its length. Deltas are from the first offset of the batch, and from its first timestamp in milliseconds. */
export function bodySize(record: EncodableRecord, offsetDelta: number, timestampDelta: number): number {
  const { key, value, headers } = record
  return (
    1 +
    varintSize(zigzag(timestampDelta)) +
    varintSize(zigzag(offsetDelta)) +
    fieldSize(key) +
    fieldSize(value) +
    headersSize(headers)
  )
}

/** Writes it with its length, `body` as `bodySize` says it. Where it ends. */
export function putRecord(
  target: Buffer,
  start: number,
  record: EncodableRecord,
  { body, offsetDelta, timestampDelta }: { body: number; offsetDelta: number; timestampDelta: number },
): number {
  let at = putVarint(target, start, body * 2)
  target[at++] = 0 // attributes: none are in use
  at = putVarint(target, at, zigzag(timestampDelta))
  at = putVarint(target, at, zigzag(offsetDelta))
  at = putBytes(target, at, record.key)
  at = putBytes(target, at, record.value)
  const { headers } = record
  if (!(headers instanceof EncodedHeaders)) return putPairs(target, at, headers)
  at = putVarint(target, at, headers.count * 2)
  target.set(headers.bytes, at)
  return at + headers.bytes.length
}

function putPairs(target: Buffer, start: number, headers: Pairs): number {
  let at = putVarint(target, start, headers.length * 2)
  for (const header of headers) {
    at = putBytes(target, at, nameBytes(header[0]))
    at = putBytes(target, at, header[1])
  }
  return at
}

// Header names repeat with every record. Bounded, as names are anyone's.
const names = new Map<string, Buffer>()

/** A header's name on the wire. */
export function nameBytes(name: string): Buffer {
  const known = names.get(name)
  if (known !== undefined) return known
  const bytes = Buffer.from(name, 'utf8')
  if (names.size < 512 && bytes.length <= 256) names.set(name, bytes)
  return bytes
}

function headersSize(headers: Pairs | EncodedHeaders): number {
  if (headers instanceof EncodedHeaders) return varintSize(headers.count * 2) + headers.bytes.length
  let size = varintSize(headers.length * 2)
  for (const header of headers) size += fieldSize(nameBytes(header[0])) + fieldSize(header[1])
  return size
}

// Plain numbers, not 32 bits: a time delta may be years. Exact up to 2^52.
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : value * -2 - 1
}

function putVarint(target: Buffer, start: number, zigzagged: number): number {
  let at = start
  let rest = zigzagged
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) + 128
  target[at++] = rest
  return at
}

function putBytes(target: Buffer, start: number, bytes: Buffer | null): number {
  if (bytes === null) return putVarint(target, start, 1)
  const at = putVarint(target, start, bytes.length * 2)
  // Below some 32 bytes a loop beats the call out of JavaScript; most headers are that short.
  if (bytes.length > 32) target.set(bytes, at)
  else for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]!
  return at + bytes.length
}
