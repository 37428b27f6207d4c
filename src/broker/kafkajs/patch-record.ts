/**
 * The record format v2 (kafkajs calls it v0), in place of kafkajs's own encoder: theirs throws on a header without a value, which
 * is legal and which Java clients send, and costs an encoder object a header. Headers travel as our pairs, in order. Whoever else
 * uses kafkajs in this process may still send its headers object.
 */
import { EncodedHeaders } from '../../message/encoded-headers.ts'
import type { Header, Headers } from '../../message/headers.ts'
import type { KafkaJsHeaders } from './headers.ts'

export interface OutgoingKafkaRecord {
  readonly offsetDelta?: number
  readonly timestampDelta?: unknown
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: Headers | EncodedHeaders | KafkaJsHeaders
}

/** What kafkajs's RecordBatch reads of an Encoder. */
export interface EncodedRecord {
  readonly buf: Buffer
  readonly buffer: Buffer
}

export function encodeRecord(record: OutgoingKafkaRecord): EncodedRecord {
  const key = bytesOf(record.key)
  const value = bytesOf(record.value)
  const headers = record.headers instanceof EncodedHeaders ? record.headers : pairsOf(record.headers)
  const timestampDelta = zigzag(Number(record.timestampDelta ?? 0))
  const offsetDelta = zigzag(record.offsetDelta ?? 0)
  const size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + sizeOf(key) + sizeOf(value) + sizeOfHeaders(headers)
  const buffer = Buffer.allocUnsafe(varintSize(size * 2) + size)
  let at = putVarint(buffer, 0, size * 2)
  buffer[at++] = 0 // attributes: none are in use
  at = putVarint(buffer, at, timestampDelta)
  at = putVarint(buffer, at, offsetDelta)
  at = putBytes(buffer, at, key)
  at = putBytes(buffer, at, value)
  if (headers instanceof EncodedHeaders) {
    at = putVarint(buffer, at, headers.count * 2)
    buffer.set(headers.bytes, at)
  } else putHeaders(buffer, at, headers)
  return { buf: buffer, buffer }
}

function putHeaders(target: Buffer, start: number, headers: Pairs): void {
  let at = putVarint(target, start, headers.length * 2)
  for (const header of headers) {
    at = putBytes(target, at, nameBytes(header[0]))
    at = putBytes(target, at, header[1])
  }
}

type Pairs = readonly (readonly [string, Buffer | null])[]

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

function sizeOfHeaders(headers: Pairs | EncodedHeaders): number {
  if (headers instanceof EncodedHeaders) return varintSize(headers.count * 2) + headers.bytes.length
  let size = varintSize(headers.length * 2)
  for (const header of headers) size += sizeOf(nameBytes(header[0])) + sizeOf(header[1])
  return size
}

function sizeOf(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length * 2) + bytes.length
}

// Plain numbers, not 32 bits: a time delta may be years. Exact up to 2^52.
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : value * -2 - 1
}

function varintSize(zigzagged: number): number {
  let size = 1
  for (let rest = zigzagged; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
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
