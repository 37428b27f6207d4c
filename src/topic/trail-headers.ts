/**
 * The headers of a copy as bytes: where its trail lies among them, and what is none. A message that fails has some 24 headers at
 * each hop, and a DLQ millions of such letters: to make them all, for the few that are read or changed, is most of what either costs.
 */
import { contentAt, type EncodedHeaders, endAt, lengthAt } from '../message/encoded-headers.ts'

export const trailPrefix = 'spillway-'
/** As they stand in a copy, in this order. */
export const trailNames = [
  'origin-topic',
  'origin-partition',
  'origin-offset',
  'origin-timestamp',
  'first-failed-at',
  'group',
  'attempt',
  'order',
  'hop',
  'due-at',
  'until',
  'error-class',
  'error-message',
  'error-stack',
  'error-fingerprint',
  'disposition',
  'redrive-id',
  'redrive-count',
  'batch-last-offset',
  'batch-codec',
  'left-out',
] as const
export type TrailName = (typeof trailNames)[number]
const place = Object.fromEntries(trailNames.map((name, i) => [name, i])) as Readonly<Record<TrailName, number>>

interface NameBytes {
  readonly bytes: Buffer
  readonly place: number
}

/** By their length, as names are compared as bytes: a text of each would cost more than all else here. */
const namesOfLength: (NameBytes[] | undefined)[] = []
for (const name of trailNames) {
  const bytes = Buffer.from(trailPrefix + name)
  namesOfLength[bytes.length] ??= []
  namesOfLength[bytes.length]!.push({ bytes, place: place[name] })
}
const prefixBytes = Buffer.from(trailPrefix)

/** Where the headers of the trail that was walked over last lie; -1 where there is none, and as `values` for null. One for all. */
const starts = new Int32Array(trailNames.length)
const values = new Int32Array(trailNames.length)
const ends = new Int32Array(trailNames.length)

/** From, to, from, to: what lies beside each other is one range. */
export type Ranges = number[]

/** Notes where the trail lies, and gathers what is none. The number of headers that are none. */
export function walk({ bytes, count }: EncodedHeaders, own: Ranges | undefined): number {
  let ownCount = 0
  let end = 0
  for (let i = 0; i < trailNames.length; i++) starts[i] = values[i] = -1
  for (let left = count; left > 0; left--) {
    const start = end
    const nameAt = contentAt(bytes, start)
    const nameEnd = endAt(bytes, start)
    end = endAt(bytes, nameEnd)
    const found = placeOf(bytes, nameAt, nameEnd)
    if (found < 0) {
      // What begins as the trail does, and is not known by name, is no part of it, and nobody else's either.
      if (startsAt(bytes, nameAt, nameEnd, prefixBytes)) continue
      if (own) addRange(own, start, end)
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

/** Of the headers that were walked over last, which are these bytes, as is all that follows. Adds where it lies; false when it is not there. */
export function addTo(ranges: Ranges, name: TrailName): boolean {
  const at = place[name]
  if (starts[at]! < 0) return false
  addRange(ranges, starts[at]!, ends[at]!)
  return true
}

/** Neither missing nor null. */
export function hasValue(name: TrailName): boolean {
  return values[place[name]]! >= 0
}

/** A whole number that is not negative and that a double holds exactly; undefined for anything else. As `headerNumber` reads it, without a text of it. */
export function numberOf(bytes: Buffer, name: TrailName): number | undefined {
  const [from, to] = [values[place[name]]!, ends[place[name]]!]
  if (from < 0 || from === to || to - from > 16) return undefined
  let number = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return Number.isSafeInteger(number) ? number : undefined
}

/** undefined when it is missing or null. */
export function textOf(bytes: Buffer, name: TrailName): string | undefined {
  const at = place[name]
  const [from, to] = [values[at]!, ends[at]!]
  if (from < 0) return undefined
  const known = lastTexts[at]
  if (known?.bytes.length === to - from && known.bytes.compare(bytes, from, to) === 0) return known.text
  const text = bytes.toString('utf8', from, to)
  if (repeats[at] && to - from <= longestKept) lastTexts[at] = { bytes: Buffer.from(bytes.subarray(from, to)), text }
  return text
}

/** The same of copy after copy: what waits in memory shares one text of it. */
const repeating: readonly TrailName[] = [
  'origin-topic',
  'group',
  'error-class',
  'error-stack',
  'error-fingerprint',
  'disposition',
  'redrive-id',
]
const repeats = trailNames.map(name => repeating.includes(name))
const lastTexts: ({ readonly bytes: Buffer; readonly text: string } | undefined)[] = trailNames.map(() => undefined)
/** Bytes: more than a trail of ours has. */
const longestKept = 8 * 1024

export function sizeOf(ranges: Ranges): number {
  let size = 0
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!
  return size
}

/** Where it ends in `target`. */
export function copyRanges(bytes: Buffer, ranges: Ranges, target: Buffer, start: number): number {
  let end = start
  for (let i = 0; i < ranges.length; i += 2) end += bytes.copy(target, end, ranges[i], ranges[i + 1])
  return end
}

function addRange(ranges: Ranges, from: number, to: number): void {
  if (ranges[ranges.length - 1] === from) ranges[ranges.length - 1] = to
  else ranges.push(from, to)
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
