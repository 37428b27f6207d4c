/**
 * The record format v2 (kafkajs calls it v0), in place of kafkajs's own encoder and decoder:
 * - theirs throws on a header without a value, which is legal and which Java clients send;
 * - theirs costs an encoder object a header, and decodes headers in quadratic time: 20,000 of them (149 KB) stop a process for 76 s.
 * Headers travel as our pairs, in order. Whoever else uses kafkajs in this process may still send and read its headers object.
 */
import type { Header, HeaderSize, Headers } from '../../message/headers.ts'
import { type KafkaJsHeaders, toKafkaJs } from './headers.ts'
import type { BatchContext } from './internals.ts'

export interface OutgoingKafkaRecord {
  readonly offsetDelta?: number
  readonly timestampDelta?: unknown
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: Headers | KafkaJsHeaders
}

/** What kafkajs's RecordBatch reads of an Encoder. */
export interface EncodedRecord {
  readonly buf: Buffer
  readonly buffer: Buffer
}

export function encodeRecord(record: OutgoingKafkaRecord): EncodedRecord {
  const key = bytesOf(record.key)
  const value = bytesOf(record.value)
  const headers = pairsOf(record.headers)
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
  at = putVarint(buffer, at, headers.length * 2)
  for (const header of headers) {
    at = putBytes(buffer, at, nameBytes(header[0]))
    at = putBytes(buffer, at, header[1])
  }
  return { buf: buffer, buffer }
}

/**
 * Key and value only: what waits its turn should be small, and headers are made when they are asked for. Here they are walked
 * over and measured. Throws when there are more than `maxHeaders`.
 */
export function decodeRecord(
  decoder: { buffer: Buffer; offset: number },
  context: BatchContext,
  maxHeaders = Number.POSITIVE_INFINITY,
): DecodedRecord {
  const cursor = { bytes: decoder.buffer, at: decoder.offset }
  const attributes = cursor.bytes[cursor.at++]!
  const timestampDelta = takeVarint(cursor)
  const offsetDelta = takeVarint(cursor)
  const key = takeBytes(cursor)
  const value = takeBytes(cursor)
  const atHeaders = { ...cursor }
  const headerSize = passHeaders(cursor, maxHeaders)
  decoder.offset = cursor.at
  return new DecodedRecord(context, attributes, { timestampDelta, offsetDelta, key, value, atHeaders, headerSize })
}

interface RecordParts {
  readonly timestampDelta: number
  readonly offsetDelta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly atHeaders: Cursor
  readonly headerSize: HeaderSize
}

export class DecodedRecord {
  readonly batchContext: BatchContext
  readonly attributes: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headerSize: HeaderSize
  readonly #timestampDelta: number
  readonly #offsetDelta: number
  readonly #bytes: Buffer
  readonly #headersAt: number

  constructor(context: BatchContext, attributes: number, parts: RecordParts) {
    this.batchContext = context
    this.attributes = attributes
    this.key = parts.key
    this.value = parts.value
    this.headerSize = parts.headerSize
    this.#timestampDelta = parts.timestampDelta
    this.#offsetDelta = parts.offsetDelta
    this.#bytes = parts.atHeaders.bytes
    this.#headersAt = parts.atHeaders.at
  }

  get magicByte(): number | undefined {
    return this.batchContext.magicByte
  }

  get isControlRecord(): boolean {
    return this.batchContext.isControlBatch ?? false
  }

  get offset(): string {
    return plus(this.batchContext.firstOffset, this.#offsetDelta)
  }

  get timestamp(): string {
    const { timestampType, maxTimestamp, firstTimestamp } = this.batchContext
    // 1 is LogAppendTime: the broker's clock, one time for the whole batch.
    return timestampType === 1 && maxTimestamp ? maxTimestamp : plus(firstTimestamp, this.#timestampDelta)
  }

  /** Read anew each time. */
  get pairs(): Headers {
    const cursor = { bytes: this.#bytes, at: this.#headersAt }
    const pairs: Header[] = []
    for (let left = takeVarint(cursor); left > 0 && cursor.at < cursor.bytes.length; left--)
      pairs.push([takeName(cursor), takeBytes(cursor)])
    return pairs
  }

  get headers(): KafkaJsHeaders {
    return toKafkaJs(this.pairs)
  }
}

function pairsOf(headers: Headers | KafkaJsHeaders | undefined): readonly (readonly [string, Buffer | null])[] {
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

function nameBytes(name: string): Buffer {
  const known = names.get(name)
  if (known !== undefined) return known
  const bytes = Buffer.from(name, 'utf8')
  if (names.size < 512 && bytes.length <= 256) names.set(name, bytes)
  return bytes
}

function sizeOfHeaders(headers: readonly (readonly [string, Buffer | null])[]): number {
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

interface Cursor {
  readonly bytes: Buffer
  at: number
}

function takeVarint(cursor: Cursor): number {
  let result = 0
  let scale = 1
  for (;;) {
    const byte = cursor.bytes[cursor.at++] ?? 0
    result += (byte & 127) * scale
    if (byte < 128) break
    scale *= 128
  }
  return result % 2 === 0 ? result / 2 : -(result + 1) / 2
}

function takeBytes(cursor: Cursor): Buffer | null {
  const length = takeVarint(cursor)
  if (length < 0) return null
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length)
  cursor.at += length
  return bytes
}

/** The cursor stands behind the headers then; what they measure is what `pairs` would give. */
function passHeaders(cursor: Cursor, maxHeaders: number): HeaderSize {
  const claimed = takeVarint(cursor)
  if (claimed > maxHeaders) throw new Error(`too many records and headers: one more record with ${claimed} headers`)
  let count = 0
  let bytes = 0
  for (; count < claimed && cursor.at < cursor.bytes.length; count++) bytes += passBytes(cursor) + passBytes(cursor)
  return { count, bytes }
}

function passBytes(cursor: Cursor): number {
  const length = Math.max(0, takeVarint(cursor))
  cursor.at += length
  return length
}

/** Names that were read before, as they repeat with every record; one a slot, as names are anyone's. */
const readNames: ({ readonly bytes: Buffer; readonly text: string } | undefined)[] = new Array(256).fill(undefined)

function takeName(cursor: Cursor): string {
  const length = takeVarint(cursor)
  const start = cursor.at
  if (length < 0) return ''
  cursor.at += length
  const { bytes } = cursor
  const slot = (length * 31 + (bytes[start] ?? 0) * 7 + (bytes[start + length - 1] ?? 0)) & 255
  const known = readNames[slot]
  if (known !== undefined && known.bytes.length === length && startsAt(bytes, start, known.bytes)) return known.text
  const text = bytes.toString('utf8', start, start + length)
  if (length <= 64) readNames[slot] = { bytes: Buffer.from(bytes.subarray(start, start + length)), text }
  return text
}

function startsAt(bytes: Buffer, start: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false
  return true
}

function plus(base: string, delta: number): string {
  const sum = Number(base) + delta
  return Number.isSafeInteger(sum) ? String(sum) : String(BigInt(base) + BigInt(delta))
}
