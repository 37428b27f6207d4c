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
  readonly partition: Partition
  readonly bytes: number
}

/** `window`: enough unfinished records are here. `blocked`: a record waits for the registry or for a produce. `metadata`: finished offsets no longer fit a commit. */
export type PauseReason = 'window' | 'blocked' | 'metadata'

/** What may be unfinished of one partition, waiting records included: at either it is paused, below half of both resumed. */
export interface Window {
  readonly records: number
  readonly bytes: number
}

export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly ledger: Ledger
  readonly waiting: Waiting<Tracked>
  readonly #pause: (partition: TopicPartition, paused: boolean) => void
  readonly #reasons = new Set<PauseReason>()
  readonly #window: Window
  /** How many deliveries of this partition wait for the registry or for a produce. */
  #blocked = 0
  #unfinishedBytes = 0

  constructor(
    assigned: AssignedPartition,
    clock: Clock,
    window: Window,
    onDue: (tracked: Tracked) => void,
    pause: (partition: TopicPartition, paused: boolean) => void,
  ) {
    this.topic = assigned.topic
    this.partition = assigned.partition
    this.ledger = new Ledger(assigned.position, decodeFinished(assigned.position, assigned.metadata))
    this.waiting = new Waiting(clock, onDue)
    this.#window = window
    this.#pause = pause
  }

  /** Begins a record; undefined when it is not to be run, see Ledger. */
  begin(delivery: Delivery): Tracked | undefined {
    const { offset, key, value } = delivery.record
    const entry = this.ledger.begin(offset)
    if (!entry) return undefined
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    this.#unfinishedBytes += bytes
    const { records, bytes: most } = this.#window
    if (this.ledger.unfinished >= records || this.#unfinishedBytes >= most) this.setPaused('window', true)
    return { delivery, entry, partition: this, bytes }
  }

  finish({ entry, bytes }: Tracked): void {
    this.ledger.finish(entry)
    this.#unfinishedBytes -= bytes
    const { records, bytes: most } = this.#window
    if (this.ledger.unfinished * 2 <= records && this.#unfinishedBytes * 2 <= most) this.setPaused('window', false)
  }

  setPaused(reason: PauseReason, paused: boolean): void {
    const before = this.#reasons.size
    if (paused) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    if (before === 0 && this.#reasons.size === 1) this.#pause(this, true)
    if (before === 1 && this.#reasons.size === 0) this.#pause(this, false)
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
