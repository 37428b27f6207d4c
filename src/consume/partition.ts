/** One assigned partition: its ledger, its waiting records, and why it is paused, if it is. */
import type { AssignedPartition, TopicPartition } from '../broker/port.ts'
import type { Delivery } from './admission.ts'
import type { Clock } from './clock.ts'
import { decodeFinished } from './finished.ts'
import { Ledger, type LedgerEntry } from './ledger.ts'
import { Waiting } from './waiting.ts'

/** A delivery and the ledger entry that it finishes. */
export interface Tracked {
  readonly delivery: Delivery
  readonly entry: LedgerEntry
  /** Its partition's, unless that has begun anew since. */
  readonly ledger: Ledger
  readonly partition: Partition
  readonly bytes: number
}

/** `window`: enough unfinished records are here. `blocked`: a record waits for the registry or for a produce. `metadata`: finished offsets no longer fit a commit. */
export type PauseReason = 'window' | 'blocked' | 'metadata'

export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  ledger: Ledger
  readonly waiting: Waiting<Tracked>
  readonly #pause: (partition: TopicPartition, paused: boolean) => void
  readonly #reasons = new Set<PauseReason>()
  /** How many deliveries of this partition wait for the registry or for a produce. */
  #blocked = 0

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
  }

  setPaused(reason: PauseReason, paused: boolean): void {
    const before = this.#reasons.size
    if (paused) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    if (before === 0 && this.#reasons.size === 1) this.#pause(this, true)
    if (before === 1 && this.#reasons.size === 0) this.#pause(this, false)
  }

  /** The log was made anew: it is read, and committed, from `position`, which may be lower than before. */
  restart(position: bigint): void {
    this.ledger = new Ledger(position, [])
    this.ledger.markChanged()
    this.setPaused('window', false)
    this.setPaused('metadata', false)
  }

  block(): void {
    this.#blocked++
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
