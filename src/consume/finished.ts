/**
 * Offsets finished above the committed one, as commit metadata: so neither a drain nor a kill runs them again.
 * Text of the form `s1:b:<base64url>` (bit i set: prefix + i is finished) or `s1:r:<lengths>` (in base 36, unfinished and
 * finished runs in turn, from the prefix on), the shorter of both. Anything else means that nothing above the prefix is known.
 */

/** from <= offset < to. */
export interface OffsetRange {
  readonly from: bigint
  readonly to: bigint
}

/** The broker's default `offset.metadata.max.bytes` is 4,096; 4,000 characters were seen to round-trip. */
export const maxMetadataChars = 4_000
/** This many offsets above the prefix always fit as bits: 20,000 / 8 bytes are 3,334 characters. */
export const bitsThatFit = 20_000
/** This many runs fit as lengths, at up to ten characters each; there are never more of them than unfinished records. */
export const runsThatFit = 390

/** Of ranges that do not all fit, which the window of a partition prevents, the lowest. */
export function encodeFinished(prefix: bigint, ranges: readonly OffsetRange[]): string {
  if (ranges.length === 0) return ''
  const runs = encodeRuns(prefix, ranges)
  const distance = Number(ranges.at(-1)!.to - prefix)
  const bitsetChars = 5 + Math.ceil((Math.ceil(distance / 8) * 4) / 3)
  const isShorter = !runs.complete || bitsetChars < runs.metadata.length
  return bitsetChars <= maxMetadataChars && isShorter ? encodeBits(prefix, ranges, distance) : runs.metadata
}

/** The ranges that a commit's metadata names; none when it is not ours or not readable. */
export function decodeFinished(prefix: bigint, metadata: string): OffsetRange[] {
  if (metadata.startsWith('s1:r:')) return decodeRuns(prefix, metadata.slice(5))
  if (metadata.startsWith('s1:b:')) return decodeBits(prefix, metadata.slice(5))
  return []
}

/** Ascending ranges, few in practice. */
export function contains(ranges: readonly OffsetRange[], offset: bigint): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]!.to <= offset) low = middle + 1
    else high = middle
  }
  return low < ranges.length && ranges[low]!.from <= offset
}

function encodeRuns(prefix: bigint, ranges: readonly OffsetRange[]): { metadata: string; complete: boolean } {
  let text = 's1:r:'
  let at = prefix
  for (const { from, to } of ranges) {
    const next = `${(from - at).toString(36)},${(to - from).toString(36)};`
    if (text.length + next.length > maxMetadataChars) return { metadata: text, complete: false }
    text += next
    at = to
  }
  return { metadata: text, complete: true }
}

function decodeRuns(prefix: bigint, text: string): OffsetRange[] {
  const ranges: OffsetRange[] = []
  let at = prefix
  for (const run of text.split(';')) {
    if (run === '') continue
    const match = /^([0-9a-z]{1,10}),([0-9a-z]{1,10})$/.exec(run)
    if (!match) return []
    const from = at + BigInt(Number.parseInt(match[1]!, 36))
    at = from + BigInt(Number.parseInt(match[2]!, 36))
    ranges.push({ from, to: at })
  }
  return ranges
}

function encodeBits(prefix: bigint, ranges: readonly OffsetRange[], distance: number): string {
  const bits = Buffer.alloc(Math.ceil(distance / 8))
  for (const { from, to } of ranges) {
    for (let i = Number(from - prefix); i < Number(to - prefix); i++) bits[i >>> 3]! |= 1 << (i & 7)
  }
  return `s1:b:${bits.toString('base64url')}`
}

function decodeBits(prefix: bigint, text: string): OffsetRange[] {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return []
  const bits = Buffer.from(text, 'base64url')
  const ranges: OffsetRange[] = []
  let from: bigint | undefined
  for (let i = 0; i <= bits.length * 8; i++) {
    const set = i < bits.length * 8 && (bits[i >>> 3]! & (1 << (i & 7))) !== 0
    if (set) from ??= prefix + BigInt(i)
    else if (from !== undefined) {
      ranges.push({ from, to: prefix + BigInt(i) })
      from = undefined
    }
  }
  return ranges
}
