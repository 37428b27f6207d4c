/**
 * The offsets of one assigned partition: which records are finished, and what may be committed.
 * The prefix is the first offset that is not finished; everything below it is. Offsets that no record has (control records,
 * compacted ones) count as finished once the position has passed them.
 */
import { bitsThatFit, contains, type OffsetRange } from './finished.ts'

export interface LedgerEntry {
  readonly offset: bigint
  readonly timestampMs: number
  finished: boolean
}

/** Of ranges that are finished ahead, far from the prefix: the window needs what the commit has room for besides. */
const mostRunsAhead = 100

export class Ledger {
  /** The next offset to be read. */
  position: bigint
  /** Finished in an earlier assignment, above the committed offset of that time, or known not to need a run. */
  #before: readonly OffsetRange[]
  /** Ascending; those below #head are finished and forgotten. */
  #entries: LedgerEntry[] = []
  #head = 0
  #unfinished = 0
  /** Something to commit has changed since `takeCommit`. */
  #changed = false

  constructor(position: bigint, finishedBefore: readonly OffsetRange[]) {
    this.position = position
    this.#before = finishedBefore
  }

  /** Begins a fetched record; undefined when it is not to be run: read already, or finished in an earlier assignment. */
  begin(offset: bigint, timestampMs = 0): LedgerEntry | undefined {
    if (offset < this.position) return undefined
    this.position = offset + 1n
    const entry = { offset, timestampMs, finished: contains(this.#before, offset) }
    if (entry.finished) this.#changed = true
    if (entry.finished && this.#unfinished === 0) return undefined
    this.#entries.push(entry)
    if (entry.finished) return undefined
    this.#unfinished++
    return entry
  }

  finish(entry: LedgerEntry): void {
    if (entry.finished) return
    entry.finished = true
    this.#unfinished--
    this.#changed = true
    while (this.#head < this.#entries.length && this.#entries[this.#head]!.finished) this.#head++
    if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }

  /** These need not run, though they have not been read yet. Those that the commit could not name are found out when they are read. */
  finishAhead(offsets: readonly bigint[]): void {
    if (offsets.length === 0) return
    const ascending = [...offsets].sort((a, b) => (a < b ? -1 : 1))
    const { prefix } = this
    const room = Math.max(0, mostRunsAhead - this.#before.length)
    const named = ascending.filter((offset, i) => i < room || offset - prefix < bitsThatFit)
    const ranges = [...this.#before, ...named.map(offset => ({ from: offset, to: offset + 1n }))]
    this.#before = joined(ranges.sort((a, b) => (a.from < b.from ? -1 : 1)))
    this.#changed = true
  }

  /** The partition has been read up to `position`, by records or without any. */
  advanceTo(position: bigint): void {
    if (position <= this.position) return
    this.position = position
    this.#changed = true
  }

  get prefix(): bigint {
    return this.#entries[this.#head]?.offset ?? this.position
  }

  /** The timestamp of the record at the prefix; undefined when all that were read are finished. */
  get oldestMs(): number | undefined {
    return this.#entries[this.#head]?.timestampMs
  }

  get unfinished(): number {
    return this.#unfinished
  }

  /** Entries from the prefix on. */
  get tracked(): number {
    return this.#entries.length - this.#head
  }

  /** Offsets from the prefix to the last one that is known to be finished, or to the position. */
  get distance(): number {
    const known = this.#before.at(-1)?.to ?? 0n
    const end = known > this.position ? known : this.position
    return Number(end - this.prefix)
  }

  /** There are never more runs of finished offsets above the prefix than this. */
  get mostRuns(): number {
    return this.#unfinished + this.#stillAhead().length
  }

  /**
   * What is finished above the prefix, as ascending ranges without gaps between records. Also what an earlier assignment finished
   * and this one has not read yet: the next commit replaces the one that told of it.
   */
  finishedAbovePrefix(): OffsetRange[] {
    const ranges: OffsetRange[] = []
    let from: bigint | undefined
    for (let i = this.#head; i < this.#entries.length; i++) {
      const { offset, finished } = this.#entries[i]!
      if (finished) from ??= offset
      else if (from !== undefined) {
        ranges.push({ from, to: offset })
        from = undefined
      }
    }
    if (from !== undefined) ranges.push({ from, to: this.#entries.at(-1)!.offset + 1n })
    return [...ranges, ...this.#stillAhead()]
  }

  #stillAhead(): readonly OffsetRange[] {
    const { position } = this
    if (this.#before.length === 0) return this.#before
    return this.#before.filter(({ to }) => to > position).map(({ from, to }) => ({ from: from > position ? from : position, to }))
  }

  /** True once after each change. */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  /** The last commit did not get through: what it carried is to be committed still. */
  markChanged(): void {
    this.#changed = true
  }
}

/** Ascending ranges, those that touch made one. */
function joined(ranges: readonly OffsetRange[]): OffsetRange[] {
  const result: OffsetRange[] = []
  for (const range of ranges) {
    const last = result.at(-1)
    if (!last || last.to < range.from) result.push(range)
    else if (last.to < range.to) result[result.length - 1] = { from: last.from, to: range.to }
  }
  return result
}
