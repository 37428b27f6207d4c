/** Dead letters by what they have in common. */
import { createHash } from 'node:crypto'
import type { Letter } from './letter.ts'

/** Letters of one name, such as a fingerprint. */
export interface LetterGroup {
  /** What they were counted by; '' for letters without. */
  readonly name: string
  /** Of the first letter read: '' when it does not say. At most 200 characters. */
  readonly errorClass: string
  readonly errorMessage: string
  /** All that occur, at most 10. */
  readonly dispositions: readonly string[]
  readonly letters: number
  /** When its letters were written to the DLQ. Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** Address of the letter that has been there longest. */
  readonly oldest: { readonly partition: number; readonly offset: bigint }
}

type Growing = { -readonly [K in keyof LetterGroup]: LetterGroup[K] }

const defaultMaxGroups = 1_000
const maxText = 200
const maxDispositions = 10

/** Counts letters. Its size depends on the number of groups, which is bounded, and never on the number or size of letters. */
export class LetterSummary {
  readonly #groups = new Map<string, Growing>()
  readonly #maxGroups: number
  #others: Growing | undefined

  /** `maxGroups`: default 1000. */
  constructor({ maxGroups = defaultMaxGroups } = {}) {
    this.#maxGroups = maxGroups
  }

  /** Letters without a name are told apart by disposition and error class. */
  add(letter: Letter, name: string): void {
    const errorClass = letter.trail?.failure?.class ?? ''
    const key = bounded(name === '' ? JSON.stringify(['', letter.trail?.disposition, errorClass]) : name)
    const group = this.#groups.get(key)
    if (group) grow(group, letter)
    else if (this.#groups.size < this.#maxGroups) this.#groups.set(key, begin(letter, bounded(name)))
    else if (this.#others) grow(this.#others, letter)
    else this.#others = begin(letter, '')
  }

  /** The largest first. */
  groups(): LetterGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.letters - a.letters)
  }

  /** The letters of all groups that came when there were `maxGroups` already. */
  get others(): LetterGroup | undefined {
    return this.#others
  }
}

function begin({ partition, offset, record, trail }: Letter, name: string): Growing {
  return {
    name,
    errorClass: bounded(trail?.failure?.class ?? ''),
    errorMessage: bounded(trail?.failure?.message ?? ''),
    dispositions: trail?.disposition === undefined ? [] : [bounded(trail.disposition)],
    letters: 1,
    firstSeenMs: record.timestampMs,
    lastSeenMs: record.timestampMs,
    oldest: { partition, offset },
  }
}

function grow(group: Growing, { partition, offset, record, trail }: Letter): void {
  group.letters++
  if (record.timestampMs < group.firstSeenMs) {
    group.firstSeenMs = record.timestampMs
    group.oldest = { partition, offset }
  }
  group.lastSeenMs = Math.max(group.lastSeenMs, record.timestampMs)
  const disposition = bounded(trail?.disposition ?? '')
  if (disposition !== '' && !group.dispositions.includes(disposition) && group.dispositions.length < maxDispositions)
    group.dispositions = [...group.dispositions, disposition]
}

/** Headers are anyone's, and long. Copied, since a piece of a string keeps the whole of it in memory. */
function bounded(text: string): string {
  if (text.length <= maxText) return text
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return Buffer.from(`${text.slice(0, maxText - 14)}… ${hash}`).toString()
}
