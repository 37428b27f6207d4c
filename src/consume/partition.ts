/** One assigned partition: its ledger, its waiting records, and why it is paused, if it is. */
import type { AssignedPartition, TopicPartition } from '../broker/port.ts'
import type { Delivery } from './admission.ts'
import type { Clock } from './clock.ts'
import { decodeFinished } from './finished.ts'
import { Ledger, type LedgerEntry } from './ledger.ts'
import type { Blocked, PartitionProgress, PauseReason } from './progress.ts'
import { Waiting } from './waiting.ts'

/** A delivery and the ledger entry that it finishes. */
export interface Tracked {
  readonly delivery: Delivery
  readonly entry: LedgerEntry
  readonly partition: Partition
  readonly bytes: number
  /** Since when it is being decoded or handled; 0: it is not. */
  attemptSinceMs: number
}

export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly ledger: Ledger
  readonly waiting: Waiting<Tracked>
  readonly #pause: (partition: TopicPartition, paused: boolean) => void
  readonly #reasons = new Set<PauseReason>()
  /** How many deliveries of this partition wait for the registry or for a produce. */
  #blocked = 0
  /** Those that waited at least once and are not finished yet. */
  readonly #troubled = new Set<Delivery>()
  #trouble: Blocked | undefined
  /** The offset after the last record there is, as of the last fetch. */
  #end: bigint | undefined
  #committed: bigint

  constructor(
    assigned: AssignedPartition,
    clock: Clock,
    onDue: (tracked: Tracked) => void,
    pause: (partition: TopicPartition, paused: boolean) => void,
  ) {
    this.topic = assigned.topic
    this.partition = assigned.partition
    this.ledger = new Ledger(assigned.position, decodeFinished(assigned.position, assigned.metadata))
    this.waiting = new Waiting(clock, onDue)
    this.#pause = pause
    this.#committed = assigned.position
  }

  /** True when there is something new to commit. */
  advance(position: bigint, end: bigint): boolean {
    this.#end = end
    return this.ledger.advanceTo(position)
  }

  committed(offset: bigint): void {
    this.#committed = offset
  }

  finish({ entry, delivery }: Tracked): void {
    this.ledger.finish(entry)
    if (this.#trouble && this.#troubled.delete(delivery) && this.#troubled.size === 0) this.#trouble = undefined
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

  setPaused(reason: PauseReason, paused: boolean): void {
    const before = this.#reasons.size
    if (paused) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    if (before === 0 && this.#reasons.size === 1) this.#pause(this, true)
    if (before === 1 && this.#reasons.size === 0) this.#pause(this, false)
  }

  block(delivery: Delivery, reason: Blocked['reason'], nowMs: number): void {
    this.#blocked++
    this.#troubled.add(delivery)
    this.#trouble = { reason, sinceMs: this.#trouble?.sinceMs ?? nowMs }
    this.setPaused('blocked', true)
  }

  /** True when it was the last one that was blocked. */
  unblock(): boolean {
    this.#blocked--
    if (this.#blocked > 0) return false
    this.setPaused('blocked', false)
    return true
  }
}
