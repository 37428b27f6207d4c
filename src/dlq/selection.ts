/** Which letters of a DLQ a command is about. Pure: what a value's type is, is passed in. */
import type { Disposition } from '../topic/trail.ts'
import type { Letter } from './letter.ts'
import type { OffsetRange } from './ranges.ts'

export interface Selection {
  /** In words, for the record of what was moved: `all` for every letter. */
  readonly words: string
  /** At most so many letters, the first by partition, then offset. Infinity for all. */
  readonly limit: number
  /** Offsets of a partition outside of which nothing is selected, so that they need not be read; undefined when it has none. */
  within(partition: number): OffsetRange | undefined
  /** Rejects with what the look-up of the type throws. */
  matches(letter: Letter): boolean | Promise<boolean>
}

/** Stands for letters that have no fingerprint, type or disposition. */
export const none = 'none'

/** Offsets of one partition of the DLQ. */
export interface AddressRange {
  readonly partition: number
  readonly from: bigint
  /** Not included. */
  readonly to: bigint
}

/** What a letter must be. Of several values one is enough. */
export type Condition = { readonly words: string } & (
  | { readonly on: 'fingerprint'; readonly values: readonly string[] }
  | { readonly on: 'disposition'; readonly values: readonly (Disposition | typeof none)[] }
  /** Full (`retail.OrderPlaced`) or simple (`OrderPlaced`) names. */
  | { readonly on: 'type'; readonly values: readonly string[] }
  | { readonly on: 'key'; readonly key: Buffer }
  /**
   * `failed`: when it became a letter, the time that `dlq list` shows. `published`: of the record at its origin.
   * Milliseconds since 1970, the end not included.
   */
  | { readonly on: 'failed' | 'published'; readonly fromMs: number; readonly toMs: number }
  | { readonly on: 'address'; readonly ranges: readonly AddressRange[] }
)

/** Full name of the type that a letter's value was written as; undefined when that cannot be told. */
export type TypeOf = (letter: Letter) => Promise<string | undefined>

/** Above any offset that Kafka has. */
export const endOfOffsets = 2n ** 63n

export const allLetters: Selection = selectionOf([], Number.POSITIVE_INFINITY, async () => undefined)

/** All conditions must hold. `typeOf` is asked for letters that meet all others. */
export function selectionOf(conditions: readonly Condition[], limit: number, typeOf: TypeOf): Selection {
  const types = conditions.filter(one => one.on === 'type')
  const ranges = conditions.filter(one => one.on === 'address')
  const typesMatch = async (letter: Letter): Promise<boolean> => {
    const type = await typeOf(letter)
    return types.every(({ values }) => values.some(value => isType(type, value)))
  }
  const limited = Number.isFinite(limit) ? [`limit ${limit}`] : []
  return {
    words: [conditions.map(({ words }) => words).join(' and ') || 'all', ...limited].join(', '),
    limit,
    within: partition => intersection(ranges.map(one => hull(one.ranges, partition))),
    matches(letter) {
      if (!conditions.every(condition => meets(letter, condition))) return false
      return types.length === 0 || typesMatch(letter)
    },
  }
}

function meets({ partition, offset, record, trail }: Letter, condition: Condition): boolean {
  switch (condition.on) {
    case 'fingerprint':
      return condition.values.includes(trail?.failure?.fingerprint || none)
    case 'disposition':
      return condition.values.includes(trail?.disposition ?? none)
    case 'key':
      return record.key?.equals(condition.key) ?? false
    case 'failed':
      return isWithin(record.timestampMs, condition)
    case 'published':
      return trail !== undefined && isWithin(trail.origin.timestampMs, condition)
    case 'address':
      return condition.ranges.some(range => range.partition === partition && range.from <= offset && offset < range.to)
    case 'type':
      return true
  }
}

function isWithin(ms: number, { fromMs, toMs }: { fromMs: number; toMs: number }): boolean {
  return fromMs <= ms && ms < toMs
}

function isType(type: string | undefined, value: string): boolean {
  if (type === undefined) return value === none
  return type === value || type.endsWith(`.${value}`)
}

function hull(ranges: readonly AddressRange[], partition: number): OffsetRange | undefined {
  const here = ranges.filter(range => range.partition === partition)
  if (here.length === 0) return undefined
  return here.reduce<OffsetRange>(
    ([from, to], range) => [range.from < from ? range.from : from, range.to > to ? range.to : to],
    [here[0]!.from, here[0]!.to],
  )
}

function intersection(spans: readonly (OffsetRange | undefined)[]): OffsetRange | undefined {
  let [from, to]: OffsetRange = [0n, endOfOffsets]
  for (const span of spans) {
    if (!span) return undefined
    if (span[0] > from) from = span[0]
    if (span[1] < to) to = span[1]
  }
  return from < to ? [from, to] : undefined
}
