/** One assigned partition: its ledger, its waiting records, and why it is paused, if it is. */
import type { AssignedPartition, BrokerRecord, TopicPartition } from '../broker/port.ts'
import type { Delivery } from './admission.ts'
import type { Clock } from './clock.ts'
import { placeOf } from './delivery.ts'
import { bitsThatFit, decodeFinished, runsThatFit } from './finished.ts'
import { Ledger, type LedgerEntry } from './ledger.ts'
import type { Blocked, PartitionProgress, PauseReason } from './progress.ts'
import { Waiting } from './waiting.ts'

/** A delivery and the ledger entry that it finishes. */
export interface Tracked {
  /** As it is tried now: one that is tried again in its place is another delivery each time. */
  delivery: Delivery
  readonly entry: LedgerEntry
  /** Its partition's, unless that has begun anew since. */
  readonly ledger: Ledger
  readonly partition: Partition
  readonly bytes: number
  /** Since when it is being decoded or handled; 0: it is not. */
  attemptSinceMs: number
  /** Admission keeps it, and whether it ever did. */
  isKept: boolean
  wasKept: boolean
}

/** What may be unfinished of one partition, waiting records included: at either it is paused, below half of both resumed. */
export interface Window {
  readonly records: number
  readonly bytes: number
}

export interface PartitionOptions {
  readonly clock: Clock
  readonly window: Window
  readonly toDelivery: (record: BrokerRecord) => Delivery
  /** A record that has begun and may be admitted. */
  readonly onBegun: (tracked: Tracked) => void
  readonly onDue: (tracked: Tracked) => void
  /** More has begun, up to `position`. */
  readonly onAdvanced: (at: TopicPartition, position: bigint) => void
  readonly pause: (partition: TopicPartition, paused: boolean) => void
}

/** Records that the ledger may hold, finished ones above the prefix included, however long the prefix stands still. */
const mostTracked = 500_000

export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Where its entities live. */
  readonly place: string
  ledger: Ledger
  readonly waiting: Waiting<Tracked>
  readonly #options: PartitionOptions
  readonly #reasons = new Set<PauseReason>()
  /** Fetched, but not begun for want of room; those below #next have. */
  #backlog: BrokerRecord[] = []
  #next = 0
  /** How far the partition has been read, once the backlog has begun. */
  #readTo: bigint
  #isFeeding = false
  /** Nothing begins until what waits in the tiers is known. */
  #isHeld = false
  /** What onAdvanced was told last. */
  #told: bigint | undefined
  #kept = 0
  #keptBytes = 0
  #isClosed = false
  /** How many deliveries of this partition wait for the registry or for a produce. */
  #blocked = 0
  #trouble: Blocked | undefined
  #unfinishedBytes = 0
  /** The offset after the last record there is, as of the last fetch. */
  #end: bigint | undefined
  #committed: bigint

  constructor(assigned: AssignedPartition, options: PartitionOptions) {
    this.topic = assigned.topic
    this.partition = assigned.partition
    this.place = placeOf(assigned)
    this.#options = options
    this.#readTo = assigned.position
    this.#committed = assigned.position
    this.ledger = new Ledger(assigned.position, decodeFinished(assigned.position, assigned.metadata))
    this.waiting = new Waiting(options.clock, options.onDue)
  }

  /** Takes fetched records over and begins as many as there is room for. */
  accept(records: readonly BrokerRecord[]): void {
    this.#backlog = this.#next === this.#backlog.length ? [...records] : [...this.#backlog.slice(this.#next), ...records]
    this.#next = 0
    this.#feed()
  }

  /** Nothing begins until `ready` has resolved. */
  async holdUntil(ready: Promise<void>): Promise<void> {
    this.#isHeld = true
    try {
      await ready
    } catch {
      // The session drains, and this partition with it.
      return
    }
    this.#isHeld = false
    this.#feed()
  }

  /** Admission keeps it, or does so no longer. */
  setKept(tracked: Tracked, isKept: boolean): void {
    if (tracked.isKept === isKept) return
    tracked.isKept = isKept
    tracked.wasKept = true
    this.#kept += isKept ? 1 : -1
    this.#keptBytes += isKept ? tracked.bytes : -tracked.bytes
  }

  /** Half of what may be unfinished is kept. */
  get keepsMuch(): boolean {
    const { records, bytes } = this.#options.window
    // And half of what may be unfinished far above the prefix: it must still be possible to read on to what the kept ones wait for.
    return (
      this.#kept * 2 >= Math.min(records, runsThatFit) || this.#keptBytes * 2 >= bytes || this.ledger.tracked * 2 >= mostTracked
    )
  }

  progress(): PartitionProgress {
    const { topic, partition, ledger } = this
    return {
      topic,
      partition,
      position: ledger.position,
      committed: this.#committed,
      end: this.#end,
      unfinished: ledger.unfinished,
      waiting: this.waiting.size,
      oldestMs: ledger.oldestMs,
      paused: [...this.#reasons],
      blocked: this.#trouble,
    }
  }

  /** A commit up to here was acknowledged. */
  committed(offset: bigint): void {
    this.#committed = offset
  }

  /** The partition has been read up to `position`, by records or without any, and goes up to `end`. False when it had been. */
  advanceTo(position: bigint, end: bigint): boolean {
    this.#end = end
    if (position <= this.#readTo || this.#isClosed) return false
    this.#readTo = position
    if (this.#next === this.#backlog.length && !this.#isHeld) this.#readOn(position)
    return true
  }

  /** False when it was finished already. */
  finish(tracked: Tracked): boolean {
    const { entry, ledger, bytes } = tracked
    if (entry.finished) return false
    ledger.finish(entry)
    this.#unfinishedBytes -= bytes
    this.setKept(tracked, false)
    if (this.#reasons.has('window')) this.#feed()
    return true
  }

  /** The log was made anew: it is read, and committed, from `position`, which may be lower than before. */
  restart(position: bigint): void {
    this.ledger = new Ledger(position, [])
    this.ledger.markChanged()
    this.#backlog = []
    this.#next = 0
    this.#readTo = position
    this.#committed = position
    this.#feed()
  }

  /** Gives up what has not begun. It was fetched all the same, so how far the partition has been read says nothing from now on. */
  close(): void {
    this.#isClosed = true
    this.waiting.clear()
    this.#backlog = []
    this.#next = 0
  }

  block(reason: Blocked['reason']): void {
    this.#blocked++
    this.#trouble ??= { reason, sinceMs: this.#options.clock.now() }
    this.#setPaused('blocked', true)
  }

  /** True when it was the last one that was blocked. */
  unblock(): boolean {
    this.#blocked--
    if (this.#blocked > 0) return false
    this.#trouble = undefined
    this.#setPaused('blocked', false)
    return true
  }

  #feed(): void {
    // A record that is dropped when it is admitted finishes at once, and so comes back here.
    if (this.#isFeeding || this.#isClosed) return
    if (this.#isHeld) this.#setPaused('window', this.#backlog.length > 0)
    else this.#beginWhatFits()
  }

  #beginWhatFits(): void {
    this.#isFeeding = true
    while (this.#next < this.#backlog.length && this.#hasRoom()) this.#begin(this.#backlog[this.#next++]!)
    this.#isFeeding = false
    const isFed = this.#next === this.#backlog.length
    this.#readOn(isFed ? this.#readTo : this.ledger.position)
    if (!isFed || !this.#hasRoom()) this.#setPaused('window', true)
    else if (this.#isHalfEmpty()) this.#setPaused('window', false)
  }

  #readOn(position: bigint): void {
    this.ledger.advanceTo(position)
    if (this.#told === this.ledger.position) return
    this.#told = this.ledger.position
    this.#options.onAdvanced(this, this.#told)
  }

  #begin(record: BrokerRecord): void {
    const entry = this.ledger.begin(record.offset, record.timestampMs)
    if (!entry) return
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
    this.#unfinishedBytes += bytes
    const delivery = this.#options.toDelivery(record)
    this.#options.onBegun({
      delivery,
      entry,
      ledger: this.ledger,
      partition: this,
      bytes,
      attemptSinceMs: 0,
      isKept: false,
      wasKept: false,
    })
  }

  #hasRoom(): boolean {
    const { records, bytes } = this.#options.window
    const { unfinished, tracked, distance, mostRuns } = this.ledger
    if (unfinished >= records || this.#unfinishedBytes >= bytes || tracked >= mostTracked) return false
    // What is finished above the prefix must fit into the commit, or a drain would forget it and run it again.
    return distance < bitsThatFit || mostRuns < runsThatFit
  }

  #isHalfEmpty(): boolean {
    const { records, bytes } = this.#options.window
    // Of the room that is left for others: what is kept may stay for long, and be a little more than half.
    const others = this.ledger.unfinished - this.#kept
    const otherBytes = this.#unfinishedBytes - this.#keptBytes
    return this.#hasRoom() && others * 2 <= records - this.#kept && otherBytes * 2 <= bytes - this.#keptBytes
  }

  #setPaused(reason: PauseReason, paused: boolean): void {
    const before = this.#reasons.size
    if (paused) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    if (before === 0 && this.#reasons.size === 1) this.#options.pause(this, true)
    if (before === 1 && this.#reasons.size === 0) this.#options.pause(this, false)
  }
}
