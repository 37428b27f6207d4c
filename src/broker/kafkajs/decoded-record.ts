/**
 * A record of the format v2 as it was fetched. kafkajs's own decoder throws on a header without a value, and takes quadratic time
 * for the others: 20,000 of them (149 KB) stop a process for 76 s. Headers are our pairs, in order; whoever else uses kafkajs in
 * this process still reads its headers object.
 */
import { contentAt, EncodedHeaders, endAt } from '../../message/encoded-headers.ts'
import type { Header, HeaderSize, Headers } from '../../message/headers.ts'
import { nameBytes } from './encoded-record.ts'
import { type KafkaJsHeaders, toKafkaJs } from './headers.ts'
import type { BatchContext } from './internals.ts'

/** What a fetched batch begins with, and what its records count from. */
export interface RecordBase {
  readonly context: BatchContext
  readonly firstOffset: bigint
  /** Milliseconds since 1970. */
  readonly firstTimestampMs: number
}

export function recordBase(context: BatchContext): RecordBase {
  const { firstOffset, firstTimestamp } = context
  return { context, firstOffset: BigInt(firstOffset), firstTimestampMs: Number(firstTimestamp) }
}

/**
 * Key and value only: what waits its turn should be small, and headers are made when they are asked for. Here they are walked
 * over and measured. Throws when there are more than `maxHeaders`, or when the record does not end at `end`.
 */
export class DecodedRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly attributes: number
  readonly headerSize: HeaderSize
  readonly #base: RecordBase
  readonly #timestampDelta: number
  readonly #offsetDelta: number
  readonly #bytes: Buffer
  readonly #headersAt: number
  readonly #end: number

  constructor(base: RecordBase, bytes: Buffer, start: number, end: number, maxHeaders: number) {
    at = start
    const attributes = bytes[at++]!
    this.#timestampDelta = takeVarint(bytes)
    this.#offsetDelta = takeVarint(bytes)
    this.key = takeBytes(bytes, end)
    this.value = takeBytes(bytes, end)
    this.attributes = attributes
    this.#base = base
    this.#bytes = bytes
    this.#headersAt = at
    this.#end = end
    this.headerSize = passHeaders(bytes, end, maxHeaders)
    if (at !== end) throw new Error('a record is longer or shorter than it says')
  }

  get batchContext(): BatchContext {
    return this.#base.context
  }

  get magicByte(): number | undefined {
    return this.#base.context.magicByte
  }

  get isControlRecord(): boolean {
    return this.#base.context.isControlBatch ?? false
  }

  get offsetValue(): bigint {
    return this.#base.firstOffset + BigInt(this.#offsetDelta)
  }

  get offset(): string {
    return this.offsetValue.toString()
  }

  get timestampMs(): number {
    const { context, firstTimestampMs } = this.#base
    // 1 is LogAppendTime: the broker's clock, one time for the whole batch.
    return context.timestampType === 1 && context.maxTimestamp
      ? Number(context.maxTimestamp)
      : firstTimestampMs + this.#timestampDelta
  }

  get timestamp(): string {
    return String(this.timestampMs)
  }

  /** Read anew each time. */
  get pairs(): Headers {
    at = this.#headersAt
    const pairs: Header[] = []
    for (let left = takeVarint(this.#bytes); left > 0 && at < this.#end; left--)
      pairs.push([takeName(this.#bytes), takeBytes(this.#bytes, this.#end)])
    return pairs
  }

  get encodedHeaders(): EncodedHeaders {
    at = this.#headersAt
    takeVarint(this.#bytes)
    return new EncodedHeaders(this.headerSize.count, this.#bytes.subarray(at, this.#end))
  }

  /** Told without making the headers. */
  hasHeader(name: string): boolean {
    const bytes = this.#bytes
    const wanted = nameBytes(name)
    at = this.#headersAt
    let left = takeVarint(bytes)
    for (let next = at; left > 0 && next < this.#end; left--) {
      const name = contentAt(bytes, next)
      const nameEnd = endAt(bytes, next)
      if (nameEnd - name === wanted.length && startsAt(bytes, name, wanted)) return true
      next = endAt(bytes, nameEnd)
    }
    return false
  }

  get headers(): KafkaJsHeaders {
    return toKafkaJs(this.pairs)
  }
}

/** Where the next byte is read. Of the module: decoding is synchronous, and a cursor object a record is what it costs otherwise. */
let at = 0

function takeVarint(bytes: Buffer): number {
  const first = bytes[at++] ?? 0
  if (first < 128) return first % 2 === 0 ? first / 2 : -(first + 1) / 2
  // Plain numbers, not 32 bits: a time delta may be years. Exact up to 2^52.
  let result = first & 127
  for (let scale = 128; ; scale *= 128) {
    const byte = bytes[at++] ?? 0
    result += (byte & 127) * scale
    if (byte < 128) break
  }
  return result % 2 === 0 ? result / 2 : -(result + 1) / 2
}

function takeBytes(bytes: Buffer, end: number): Buffer | null {
  const length = takeVarint(bytes)
  if (length < 0) return null
  const start = at
  at += length
  return bytes.subarray(start, Math.min(at, end))
}

/** Of a varint of 32 bits, as the lengths of names and values are. */
const maxLengthBytes = 5

/** What they measure is what `pairs` would give: that takes longer numbers too, and names without a length. */
function passHeaders(bytes: Buffer, end: number, maxHeaders: number): HeaderSize {
  const claimed = takeVarint(bytes)
  if (claimed > maxHeaders) throw new Error(`too many records and headers: one more record with ${claimed} headers`)
  let count = 0
  let measured = 0
  let next = at
  for (; count < claimed && next < end; count++) {
    const nameEnd = endAt(bytes, next)
    const valueEnd = endAt(bytes, nameEnd)
    const isNameless = (bytes[next]! & 1) === 1
    if (isNameless || contentAt(bytes, next) - next > maxLengthBytes || contentAt(bytes, nameEnd) - nameEnd > maxLengthBytes)
      throw new Error('a header whose length is none')
    measured += nameEnd - contentAt(bytes, next) + valueEnd - contentAt(bytes, nameEnd)
    next = valueEnd
  }
  at = next
  return { count, bytes: measured }
}

/** Names that were read before, as they repeat with every record; one a slot, as names are anyone's. */
const readNames: ({ readonly bytes: Buffer; readonly text: string } | undefined)[] = new Array(256).fill(undefined)

function takeName(bytes: Buffer): string {
  const length = takeVarint(bytes)
  const start = at
  if (length < 0) return ''
  at += length
  // With these factors CloudEvents' names and those of a trail have a slot each.
  const slot = (length * 37 + (bytes[start + length - 3] ?? 0) * 11 + (bytes[start + length - 1] ?? 0) * 5) & 255
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
