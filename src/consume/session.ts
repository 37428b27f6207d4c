/**
 * One assignment of the group to this process, from join to revocation. A session that is over stays over: whatever still
 * finishes in it is neither committed nor settled.
 */
import type { AssignedPartition, BrokerRecord, CommittedOffset, TopicPartition } from '../broker/port.ts'
import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission, Attempted, BlockReason, Delivery, Session, Verdict } from './admission.ts'
import { type Attempt, type AttemptScope, outage } from './attempt.ts'
import { type Clock, pause, withinMs } from './clock.ts'
import { laneOf } from './delivery.ts'
import { encodeFinished } from './finished.ts'
import { Lanes } from './lanes.ts'
import type { SessionLimits } from './limits.ts'
import { Partition, type Tracked } from './partition.ts'

export interface SessionOptions {
  readonly group: string
  readonly deliver: (record: BrokerRecord) => Delivery
  readonly concurrency: number
  readonly attempt: Attempt
  readonly admission: Admission
  readonly signals: Signals
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly pause: (partition: TopicPartition, paused: boolean) => void
  /** There may be something to commit. */
  readonly onProgress: () => void
  /** Something of ours broke, not a handler: a record can be neither finished nor given up, so the session is of no use. */
  readonly onFailure: (error: unknown) => void
}

export interface SessionProgress {
  /** Records in lanes, running or queued. */
  readonly queued: number
  /** Records in memory that are not due. */
  readonly waiting: number
  /** The next offset to be read of every assigned partition. */
  readonly positions: readonly (TopicPartition & { readonly position: bigint })[]
}

export class GroupSession implements Session, AttemptScope {
  readonly #options: SessionOptions
  readonly #partitions = new Map<string, Map<number, Partition>>()
  readonly #lanes: Lanes<Tracked>
  readonly #draining = new AbortController()
  readonly cancels = new Set<(reason: unknown) => void>()
  #queuedBytes = 0
  isOver = false
  #isLost = false
  readonly #lowWater = new Set<() => void>()

  constructor(assigned: readonly AssignedPartition[], options: SessionOptions) {
    this.#options = options
    this.#lanes = new Lanes(options.concurrency, tracked => this.#process(tracked))
    for (const one of assigned) {
      const partition = new Partition(one, {
        clock: options.clock,
        window: options.limits.partitionWindow,
        toDelivery: options.deliver,
        onBegun: tracked => this.#admit(tracked),
        onDue: tracked => this.#admit(tracked),
        pause: options.pause,
      })
      const ofTopic = this.#partitions.get(one.topic) ?? new Map<number, Partition>()
      this.#partitions.set(one.topic, ofTopic.set(one.partition, partition))
    }
  }

  get draining(): AbortSignal {
    return this.#draining.signal
  }

  get running(): number {
    return this.#lanes.running
  }

  progress(): SessionProgress {
    const partitions = this.#all()
    return {
      queued: this.#lanes.size,
      waiting: partitions.reduce((sum, { waiting }) => sum + waiting.size, 0),
      positions: partitions.map(({ topic, partition, ledger }) => ({ topic, partition, position: ledger.position })),
    }
  }

  /** Takes fetched records over; false when they are not this session's (any more). */
  accept(records: readonly BrokerRecord[]): boolean {
    const first = records[0]
    const partition = first && this.#partitionOf(first)
    if (!partition || this.#draining.signal.aborted) return false
    partition.accept(records)
    return true
  }

  /** The log of this partition was made anew and is read from `position`. */
  restart(at: TopicPartition, position: bigint): void {
    this.#partitionOf(at)?.restart(position)
    this.#options.onProgress()
  }

  /** Where these partitions stand is to be committed, though nothing has changed since they were assigned. */
  recommit(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#partitionOf(at)?.ledger.markChanged()
    if (partitions.length > 0) this.#options.onProgress()
  }

  advance(at: TopicPartition, position: bigint): void {
    this.#partitionOf(at)?.advanceTo(position)
    this.#options.onProgress()
  }

  /** Resolves at once, or when enough of the queue is done, or after `atMostMs`. */
  async room(atMostMs: number): Promise<void> {
    if (!this.isFull || this.draining.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lowWater.add(resolve)
    await withinMs(this.#options.clock, atMostMs, promise)
    this.#lowWater.delete(resolve)
  }

  get isFull(): boolean {
    const { maxQueuedRecords, maxQueuedBytes } = this.#options.limits
    return this.#lanes.size > maxQueuedRecords || this.#queuedBytes > maxQueuedBytes
  }

  /** What has changed since the last call, all of one instant. */
  takeCommit(): CommittedOffset[] {
    if (this.isOver || this.#isLost) return []
    return this.#all()
      .filter(({ ledger }) => ledger.takeChanged())
      .map(({ topic, partition, ledger }) => {
        const offset = ledger.prefix
        return { topic, partition, offset, metadata: encodeFinished(offset, ledger.finishedAbovePrefix()) }
      })
  }

  /** The group has moved on without it: what has not begun is another's by now, and nothing can be committed. What runs may finish. */
  lose(): void {
    this.#isLost = true
    this.#close('the group has moved on')
  }

  /** Nothing starts any more, what runs may finish. Resolves when nothing runs or after `atMostMs`, with how many still run. */
  async drain(atMostMs: number): Promise<number> {
    this.#close('the assignment is being given up')
    await withinMs(this.#options.clock, atMostMs, this.#lanes.idle())
    return this.#lanes.running
  }

  /** The end: late results are ignored, handlers that still run are told to stop. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    const lost = this.#close('the assignment was lost while the handler ran')
    for (const cancel of [...this.cancels]) cancel(lost)
  }

  #close(why: string): AssignmentLost {
    const lost = new AssignmentLost(why)
    this.#lanes.close()
    if (!this.draining.aborted) this.#draining.abort(lost)
    for (const partition of this.#all()) partition.close()
    this.#releaseRoom()
    return lost
  }

  async persist<T>(
    delivery: Delivery,
    reasonOf: (error: unknown) => BlockReason | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (this.draining.aborted || reasonOf(error) === undefined) throw error
      const partition = this.#partitionOf(delivery.record)!
      partition.block()
      try {
        return await this.#lanes.suspend(this.#persistBlocked(delivery, error, reasonOf, work))
      } finally {
        // After the end the consumer is another assignment's, whose pauses are none of ours.
        if (!this.isOver && partition.unblock()) this.#options.signals.emit('partition.unblocked', this.#about(delivery.record))
      }
    }
  }

  async #persistBlocked<T>(
    delivery: Delivery,
    first: unknown,
    reasonOf: (error: unknown) => BlockReason | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const { clock, limits, signals } = this.#options
    let error = first
    for (let retryInMs = limits.retryAfterMs; ; retryInMs = Math.min(retryInMs * 2, limits.maxRetryAfterMs)) {
      const reason = reasonOf(error)
      if (reason === undefined) throw error
      signals.emit('partition.blocked', { ...this.#about(delivery.record), reason, error, retryInMs })
      await pause(clock, retryInMs, this.draining)
      this.draining.throwIfAborted()
      try {
        return await work()
      } catch (next) {
        if (this.draining.aborted) throw next
        error = next
      }
    }
  }

  #admit(tracked: Tracked): void {
    const verdict = this.#verdict(tracked.delivery)
    switch (verdict.kind) {
      case 'run':
      case 'forward':
        this.#queuedBytes += tracked.bytes
        this.#lanes.push(laneOf(tracked.delivery), tracked)
        break
      case 'wait':
        tracked.partition.waiting.add(tracked, verdict.untilMs)
        break
      case 'drop':
        this.#finish(tracked)
    }
  }

  /** A refused record goes its way to the dead letters: nobody asks its headers whether it is due. */
  #verdict(delivery: Delivery): Verdict {
    return delivery.refusal ? { kind: 'run' } : this.#options.admission.admit(delivery)
  }

  /** One turn of a lane. Must not reject. */
  async #process(tracked: Tracked): Promise<void> {
    try {
      if ((await this.#handle(tracked)) && !this.isOver) this.#finish(tracked)
    } catch (error) {
      // While the session drains, giving up is in order: the record is not finished and is read again after the next join.
      if (!this.draining.aborted) this.#options.onFailure(error)
    } finally {
      this.#queuedBytes -= tracked.bytes
      if (this.#lowWater.size > 0 && !this.isFull) this.#releaseRoom()
    }
  }

  /** True when the record is finished. Asked anew, since it may have stood in its lane for long. */
  async #handle(tracked: Tracked): Promise<boolean> {
    const { admission } = this.#options
    const verdict = this.#verdict(tracked.delivery)
    switch (verdict.kind) {
      case 'run':
        await admission.settle(tracked.delivery, await this.#attempted(tracked.delivery), this)
        return true
      case 'forward':
        await admission.forward(tracked.delivery, verdict.untilMs, this)
        return true
      case 'drop':
        return true
      case 'wait':
        tracked.partition.waiting.add(tracked, verdict.untilMs)
        return false
    }
  }

  /** Until the record itself has an answer: an outage is waited out, and no attempt is used up. */
  #attempted(delivery: Delivery): Promise<Attempted> {
    if (delivery.refusal) return Promise.resolve({ kind: 'refused', error: delivery.refusal })
    const { clock, limits } = this.#options
    const handlerUntilMs = clock.now() + limits.handlerOutageMs
    return this.persist(delivery, outage, async () => {
      const attempted = await this.#options.attempt(delivery, this)
      if (this.isOver) throw new AssignmentLost('the assignment was lost while the handler ran')
      // Without a type it is the decoder that has failed: the registry, which is waited for without end.
      const isWaitedOut = attempted.kind === 'threw' && (attempted.type === '' || clock.now() < handlerUntilMs)
      if (isWaitedOut && outage(attempted.error)) throw attempted.error
      return attempted
    })
  }

  #finish(tracked: Tracked): void {
    tracked.partition.finish(tracked)
    this.#options.onProgress()
  }

  #releaseRoom(): void {
    for (const release of this.#lowWater) release()
  }

  #partitionOf({ topic, partition }: TopicPartition): Partition | undefined {
    return this.#partitions.get(topic)?.get(partition)
  }

  #all(): Partition[] {
    return [...this.#partitions.values()].flatMap(ofTopic => [...ofTopic.values()])
  }

  #about({ topic, partition }: TopicPartition): { group: string; topic: string; partition: number } {
    return { group: this.#options.group, topic, partition }
  }
}
