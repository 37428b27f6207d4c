/** Browsing a DLQ: its records minus what was moved. Joins no group, so it disturbs nobody. */
import { firstRecord } from '../broker/first-record.ts'
import type { BrokerRecord, PartitionBounds } from '../broker/port.ts'
import { DlqMissing } from '../errors.ts'
import type { Letter } from './letter.ts'
import { type Moved, readMoved } from './moved.ts'
import type { MovedRanges, OffsetRange } from './ranges.ts'
import { allLetters, type Selection } from './selection.ts'
import { type DlqSource, letterIn, namesOf } from './source.ts'

export interface ReadOptions {
  /** Once aborted no further letter is handed over and reading ends soon, without an error. */
  readonly signal?: AbortSignal
  /** Which letters are handed over. Default all. */
  readonly selection?: Selection
  /** Per partition the offset before which reading ends, such as those of an earlier reading. Default the ends found at the start. */
  readonly ends?: ReadonlyMap<number, bigint>
  /** Bytes that the broker is asked for at once, at most. Default as many as it gives. */
  readonly answerBytes?: number
  /** Called for every letter read, whether it is selected or not. `total` may be a little off: see LetterCount. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface ReadResult {
  /** Records of `<dlq>.moved` that could not be understood. */
  readonly unreadableMoves: number
  /** The signal ended it before the end. */
  readonly cutShort: boolean
  readonly ends: ReadonlyMap<number, bigint>
}

/** Takes a letter. `left`: it is left where it is and does not count towards the selection's limit. */
export type OnLetter = (letter: Letter) => Taken | Promise<Taken>
// biome-ignore lint/suspicious/noConfusingVoidType: most take every letter and answer nothing.
export type Taken = void | 'left'

export interface LetterCount {
  readonly group: string
  /**
   * Letters left. Exact while nothing but whole acknowledged letters is written; control and aborted records of transactions
   * take offsets too and would be counted.
   */
  readonly left: number
  readonly partitions: readonly { readonly partition: number; readonly left: number }[]
  /** Records of `<dlq>.moved` that could not be understood. */
  readonly unreadableMoves: number
}

/** How many offsets one read asks for: short enough that an abort is noticed, long enough that its cost does not matter. */
const sliceSize = 20_000n

/**
 * Hands over the selected letters that are left, by partition, then offset, up to the ends found at the start;
 * waits for `onLetter` before the next, so memory stays constant. Rejects with what `onLetter` or the selection threw, after which
 * neither is called again, and with DlqMissing (E_NO_DLQ) when there is no such topic.
 */
export async function readLetters(source: DlqSource, onLetter: OnLetter, options: ReadOptions = {}): Promise<ReadResult> {
  const { moved, bounds } = await openDlq(source)
  const selection = options.selection ?? allLetters
  const ends = new Map(bounds.map(({ partition, high }) => [partition, earlier(high, options.ends?.get(partition))]))
  const parts = bounds.flatMap(one => clip({ ...one, high: ends.get(one.partition)! }, selection.within(one.partition)))
  const reading = new Reading(
    source,
    moved.ranges,
    onLetter,
    { ...options, selection },
    sum(parts, one => leftIn(one, moved.ranges)),
  )
  for (const part of parts) await reading.read(part)
  return { unreadableMoves: moved.unreadable, cutShort: reading.cutShort, ends }
}

/** None where nothing is left of it. */
function clip({ partition, low, high }: PartitionBounds, within: OffsetRange | undefined): PartitionBounds[] {
  if (!within) return []
  const [from, to] = [low > within[0] ? low : within[0], earlier(high, within[1])]
  return from < to ? [{ partition, low: from, high: to }] : []
}

/**
 * How many letters are left, without reading one: ends minus starts minus what was moved in between.
 * Rejects with DlqMissing (E_NO_DLQ) when there is no such topic.
 */
export async function countLetters(source: DlqSource): Promise<LetterCount> {
  const { moved, bounds } = await openDlq(source)
  const partitions = bounds.map(one => ({ partition: one.partition, left: leftIn(one, moved.ranges) }))
  return { group: source.group, left: sum(partitions, one => one.left), partitions, unreadableMoves: moved.unreadable }
}

/**
 * When the first letter that is left was written, in milliseconds since 1970; undefined when none is. Reads one record a partition.
 * Rejects with DlqMissing (E_NO_DLQ) when there is no such topic.
 */
export async function oldestLetter(source: DlqSource): Promise<number | undefined> {
  const { moved, bounds } = await openDlq(source)
  const { topic } = namesOf(source)
  const times: number[] = []
  for (const { partition, low, high } of bounds) {
    const from = moved.ranges.nextLeft(partition, low)
    const letter = await firstRecord(source.reader, { topic, partition, from, to: high })
    if (letter) times.push(letter.timestampMs)
  }
  return times.length > 0 ? Math.min(...times) : undefined
}

function leftIn({ partition, low, high }: PartitionBounds, moved: MovedRanges): number {
  return Number(high - low - moved.countWithin(partition, low, high))
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** The bounds before `.moved`: a letter moved in between is then left out, where the other way round it would be shown, and moved, again. */
async function openDlq(source: DlqSource): Promise<{ moved: Moved; bounds: PartitionBounds[] }> {
  const { topic } = namesOf(source)
  const { admin, group, foreign } = source
  if ((await admin.topics([topic], { config: false })).length === 0) {
    if (foreign) throw new DlqMissing(`there is no topic ${topic}`)
    throw new DlqMissing(
      `group '${group}' has no DLQ: there is no topic ${topic}. If the name is right, run: spillway topic apply`,
    )
  }
  const bounds = await admin.bounds(topic)
  const moved = await readMoved(source)
  return { moved, bounds: bounds.sort((a, b) => a.partition - b.partition) }
}

function earlier(high: bigint, end: bigint | undefined): bigint {
  return end !== undefined && end < high ? end : high
}

type Options = ReadOptions & { readonly selection: Selection }

/** One walk over the partitions. */
class Reading {
  cutShort = false
  #done = 0
  #taken = 0
  readonly #source: DlqSource
  readonly #moved: MovedRanges
  readonly #onLetter: OnLetter
  readonly #options: Options
  readonly #total: number

  constructor(source: DlqSource, moved: MovedRanges, onLetter: OnLetter, options: Options, total: number) {
    this.#source = source
    this.#moved = moved
    this.#onLetter = onLetter
    this.#options = options
    this.#total = total
  }

  async read({ partition, low, high }: PartitionBounds): Promise<void> {
    const { topic } = namesOf(this.#source)
    const { answerBytes } = this.#options
    let failed: { error: unknown } | undefined
    // Kept and thrown afterwards: a reader may wrap what is thrown inside it, or hand the record over again.
    const hand = (record: BrokerRecord): Promise<void> | undefined => {
      if (failed || this.#full || this.#moved.has(partition, record.offset) || this.#aborted()) return undefined
      try {
        return this.#offer(letterIn(this.#source, record))?.catch(error => {
          failed = { error }
        })
      } catch (error) {
        failed = { error }
        return undefined
      }
    }
    let from = this.#moved.nextLeft(partition, low)
    while (from < high && !this.#full && !this.#aborted()) {
      const to = earlier(high, from + sliceSize)
      await this.#source.reader.read({ topic, partition, from, to, ...(answerBytes && { answerBytes }) }, hand)
      if (failed) throw (failed as { error: unknown }).error
      from = this.#moved.nextLeft(partition, to)
    }
  }

  /** No promise where nothing is waited for: it is felt at every letter. */
  #offer(letter: Letter): Promise<void> | undefined {
    const matches = this.#options.selection.matches(letter)
    if (matches instanceof Promise) return matches.then(isMatch => (isMatch ? this.#give(letter) : this.#read()))
    return matches ? this.#give(letter) : this.#read()
  }

  #give(letter: Letter): Promise<void> | undefined {
    const taken = this.#onLetter(letter)
    if (taken instanceof Promise) return taken.then(what => this.#read(what !== 'left'))
    return this.#read(taken !== 'left')
  }

  #read(isTaken = false): undefined {
    if (isTaken) this.#taken++
    this.#done++
    this.#options.onProgress?.(this.#done, Math.max(this.#done, this.#total))
    return undefined
  }

  get #full(): boolean {
    return this.#taken >= this.#options.selection.limit
  }

  /** Asked only while there is more to read. */
  #aborted(): boolean {
    const aborted = this.#options.signal?.aborted ?? false
    if (aborted) this.cutShort = true
    return aborted
  }
}
