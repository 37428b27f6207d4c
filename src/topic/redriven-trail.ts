/**
 * What a redrive reads of a letter's trail, and what it changes, without making the rest of it: a DLQ may hold millions of letters
 * with some 24 headers each, and to make them all is most of what a redrive costs. The same comes of it as of `readTrail` and
 * `withTrail`, but bytes stay bytes.
 */
import { contentAt, EncodedHeaders, endAt, lengthAt } from '../message/encoded-headers.ts'
import { type Headers, textHeader } from '../message/headers.ts'
import type { Disposition } from './trail.ts'

const prefix = 'spillway-'
/** What says the same of a copy as of the letter. */
const kept = [
  'origin-topic',
  'origin-partition',
  'origin-offset',
  'origin-timestamp',
  'first-failed-at',
  'order',
  'error-class',
  'error-message',
  'error-stack',
  'error-fingerprint',
] as const
const changed = ['group', 'hop', 'redrive-count', 'disposition', 'batch-last-offset', 'left-out'] as const
type Name = (typeof kept)[number] | (typeof changed)[number]
const names: readonly Name[] = [...kept, ...changed]
const place = Object.fromEntries(names.map((name, i) => [name, i])) as Readonly<Record<Name, number>>

interface NameBytes {
  readonly bytes: Buffer
  readonly place: number
}

/** By their length, as names are compared as bytes: a text of each would cost more than all else here. */
const namesOfLength: (NameBytes[] | undefined)[] = []
for (const name of names) {
  const bytes = Buffer.from(prefix + name)
  namesOfLength[bytes.length] ??= []
  namesOfLength[bytes.length]!.push({ bytes, place: place[name] })
}
const prefixBytes = Buffer.from(prefix)
const oversize = Buffer.from('oversize' satisfies Disposition)

/** Where the headers of the trail that is being walked over lie; -1 where there is none, and as `values` for null. One for all. */
const starts = new Int32Array(names.length)
const values = new Int32Array(names.length)
const ends = new Int32Array(names.length)

/** The headers of a letter, walked over once. */
export class LetterHeaders {
  /** Whether `readTrail` would find one. */
  readonly hasTrail: boolean
  /** The letter is about more than it holds: a batch, or a record that was too large for the DLQ. */
  readonly lacksItsValue: boolean
  readonly hop: number
  readonly redriveCount: number
  readonly #bytes: Buffer
  /** From, to, from, to: what lies beside each other is one range. */
  readonly #own: number[] = []
  readonly #kept: number[] = []
  readonly #group: number[] = []
  readonly #ownCount: number
  readonly #keptCount: number

  static of(record: { readonly headers: Headers; readonly encodedHeaders?: EncodedHeaders | undefined }): LetterHeaders {
    return new LetterHeaders(record.encodedHeaders ?? EncodedHeaders.of(record.headers))
  }

  private constructor(headers: EncodedHeaders) {
    const { bytes } = headers
    this.#bytes = bytes
    this.#ownCount = walk(headers, this.#own)
    this.#keptCount = 0
    for (let i = 0; i < kept.length; i++) {
      if (starts[i]! < 0) continue
      add(this.#kept, starts[i]!, ends[i]!)
      this.#keptCount++
    }
    if (starts[place.group]! >= 0) this.#group.push(starts[place.group]!, ends[place.group]!)
    this.hop = numberAt(bytes, place.hop) ?? 0
    this.redriveCount = numberAt(bytes, place['redrive-count']) ?? 0
    const hasOrigin =
      numberAt(bytes, place['origin-partition']) !== undefined && numberAt(bytes, place['origin-offset']) !== undefined
    this.hasTrail = hasOrigin && values[place['origin-topic']]! >= 0
    this.lacksItsValue =
      values[place['left-out']]! >= 0 || numberAt(bytes, place['batch-last-offset']) !== undefined || isOversize(bytes)
  }

  /** Its own headers, in order, then of the trail what says the same of a copy, then those given. */
  with(given: EncodedHeaders, withGroup: boolean): EncodedHeaders {
    const group = withGroup ? this.#group : []
    const bytes = Buffer.allocUnsafe(sizeOf(this.#own) + sizeOf(this.#kept) + sizeOf(group) + given.bytes.length)
    let end = copy(this.#bytes, this.#own, bytes, 0)
    end = copy(this.#bytes, this.#kept, bytes, end)
    end = copy(this.#bytes, group, bytes, end)
    bytes.set(given.bytes, end)
    return new EncodedHeaders(this.#ownCount + this.#keptCount + group.length / 2 + given.count, bytes)
  }
}

/** Notes where the trail lies, and gathers what is none. The number of headers that are none. */
function walk({ bytes, count }: EncodedHeaders, own: number[]): number {
  let ownCount = 0
  let end = 0
  for (let i = 0; i < names.length; i++) starts[i] = values[i] = -1
  for (let left = count; left > 0; left--) {
    const start = end
    const nameAt = contentAt(bytes, start)
    const nameEnd = endAt(bytes, start)
    end = endAt(bytes, nameEnd)
    const found = placeOf(bytes, nameAt, nameEnd)
    if (found < 0) {
      // What begins as the trail does, and is not known by name, is no part of it, and nobody else's either.
      if (startsAt(bytes, nameAt, nameEnd, prefixBytes)) continue
      add(own, start, end)
      ownCount++
      continue
    }
    // Of several the first counts.
    if (starts[found]! >= 0) continue
    starts[found] = start
    values[found] = lengthAt(bytes, nameEnd) < 0 ? -1 : contentAt(bytes, nameEnd)
    ends[found] = end
  }
  return ownCount
}

/** Makes the headers of the copies of one run: origin and failure stay, attempts start again. The group is the letter's by default. */
export function redrivenBy(runId: string, group: string | undefined): (letter: LetterHeaders) => EncodedHeaders {
  const known = new Map<string, EncodedHeaders>()
  return letter => {
    const values = { attempt: 0, hop: letter.hop + 1, 'redrive-id': runId, 'redrive-count': letter.redriveCount + 1 }
    const key = `${values.hop} ${values['redrive-count']}`
    const given = known.get(key) ?? encoded(group === undefined ? values : { group, ...values })
    if (known.size < 1_000) known.set(key, given)
    return letter.with(given, group === undefined)
  }
}

function encoded(values: Readonly<Record<string, string | number>>): EncodedHeaders {
  return EncodedHeaders.of(Object.entries(values).map(([name, value]) => textHeader(prefix + name, String(value))))
}

/** From its end, as all begin alike. */
function placeOf(bytes: Buffer, at: number, end: number): number {
  const candidates = namesOfLength[end - at]
  if (candidates === undefined) return -1
  for (const { bytes: wanted, place } of candidates) {
    let i = wanted.length - 1
    while (i >= 0 && bytes[at + i] === wanted[i]) i--
    if (i < 0) return place
  }
  return -1
}

function startsAt(bytes: Buffer, at: number, end: number, wanted: Buffer): boolean {
  if (end - at < wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

/** As `headerNumber` reads it, without a text of it. */
function numberAt(bytes: Buffer, of: number): number | undefined {
  const [from, to] = [values[of]!, ends[of]!]
  if (from < 0 || from === to || to - from > 16) return undefined
  let number = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return Number.isSafeInteger(number) ? number : undefined
}

function isOversize(bytes: Buffer): boolean {
  const [from, to] = [values[place.disposition]!, ends[place.disposition]!]
  return from >= 0 && to - from === oversize.length && startsAt(bytes, from, to, oversize)
}

function add(ranges: number[], from: number, to: number): void {
  if (ranges[ranges.length - 1] === from) ranges[ranges.length - 1] = to
  else ranges.push(from, to)
}

function sizeOf(ranges: readonly number[]): number {
  let size = 0
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!
  return size
}

/** Where it ends in `target`. */
function copy(bytes: Buffer, ranges: readonly number[], target: Buffer, start: number): number {
  let end = start
  for (let i = 0; i < ranges.length; i += 2) end += bytes.copy(target, end, ranges[i], ranges[i + 1])
  return end
}
