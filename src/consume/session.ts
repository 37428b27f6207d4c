/**
 * One assignment of the group to this process, from join to revocation. A session that is over stays over: whatever still
 * finishes in it is neither committed nor settled.
 */
import type { AssignedPartition, BrokerRecord, CommittedOffset, TopicPartition } from '../broker/port.ts'
import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission, Attempted, Delivery, ReasonOf, Session, Verdict } from './admission.ts'
import type { Attempt, AttemptScope } from './attempt.ts'
import { type Clock, withinMs } from './clock.ts'
import { placeOf } from './delivery.ts'
import { encodeFinished } from './finished.ts'
import { Lanes } from './lanes.ts'
import type { SessionLimits } from './limits.ts'
import { isWaitedOut, outage, waitOut } from './outage.ts'
import type { Tracked } from './partition.ts'
import { Partitions } from './partitions.ts'
import type { SessionProgress } from './progress.ts'
import { Running } from './running.ts'

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

export class GroupSession implements Session, AttemptScope {
  readonly #options: SessionOptions
  readonly #partitions: Partitions
  readonly #lanes: Lanes<Tracked>
  readonly #draining = new AbortController()
  readonly calls = new Running()
  #queuedBytes = 0
  #polled = false
  isOver = false
  #isLost = false
  readonly #lowWater = new Set<() => void>()

  constructor(assigned: readonly AssignedPartition[], options: SessionOptions) {
    this.#options = options
    this.#lanes = new Lanes(options.concurrency, tracked => this.#process(tracked))
    this.#partitions = new Partitions(assigned, {
      clock: options.clock,
      window: options.limits.partitionWindow,
      toDelivery: options.deliver,
      // A source's record never waits here: it is asked about once, when its turn has come.
      onBegun: tracked => (tracked.delivery.trail ? this.#admit(tracked) : this.#enqueue(tracked)),
      onDue: tracked => this.#admit(tracked),
      pause: options.pause,
    })
  }

  get draining(): AbortSignal {
    return this.#draining.signal
  }

  get running(): number {
    return this.#lanes.running
  }

  progress(): SessionProgress {
    const partitions = this.#partitions.all().map(partition => partition.progress())
    return {
      queued: this.#lanes.size,
      running: this.#lanes.running,
      waiting: partitions.reduce((sum, { waiting }) => sum + waiting, 0),
      partitions,
      attempts: this.#lanes
        .current()
        .filter(({ attemptSinceMs }) => attemptSinceMs > 0)
        .map(({ delivery: { origin }, attemptSinceMs }) => ({ origin, startedAtMs: attemptSinceMs })),
    }
  }

  /** Takes fetched records over; false when they are not this session's (any more). */
  accept(records: readonly BrokerRecord[]): boolean {
    const first = records[0]
    const partition = first && this.#partitions.of(first)
    if (!partition || this.#draining.signal.aborted) return false
    partition.accept(records)
    return true
  }

  /** The log of this partition was made anew and is read from `position`. */
  restart(at: TopicPartition, position: bigint): void {
    this.#partitions.of(at)?.restart(position)
    this.#options.onProgress()
  }

  /** Where these partitions stand is to be committed, though nothing has changed since they were assigned. */
  recommit(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#partitions.of(at)?.ledger.markChanged()
    if (partitions.length > 0) this.#options.onProgress()
  }

  advance(at: TopicPartition, position: bigint, end: bigint): void {
    if (this.#partitions.of(at)?.advanceTo(position, end)) this.#options.onProgress()
    this.polled()
  }

  /** The broker has answered a fetch, or there is nothing to fetch. */
  polled(): void {
    if (this.#polled) return
    this.#polled = true
    this.#options.signals.emit('consumer.polled', { group: this.#options.group })
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
    return this.#partitions
      .all()
      .filter(({ ledger }) => ledger.takeChanged())
      .map(({ topic, partition, ledger }) => {
        const offset = ledger.prefix
        return { topic, partition, offset, metadata: encodeFinished(offset, ledger.finishedAbovePrefix()) }
      })
  }

  /** The commit with these offsets was acknowledged. */
  committed(offsets: readonly CommittedOffset[]): void {
    for (const at of offsets) this.#partitions.of(at)?.committed(at.offset)
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
    this.calls.cancel(this.#close('the assignment was lost while the handler ran'))
  }

  #close(why: string): AssignmentLost {
    const lost = new AssignmentLost(why)
    this.#lanes.close()
    if (!this.draining.aborted) this.#draining.abort(lost)
    for (const partition of this.#partitions.all()) partition.close()
    this.#releaseRoom()
    return lost
  }

  suspend<T>(work: Promise<T>): Promise<T> {
    return this.#lanes.suspend(work)
  }

  async persist<T>(delivery: Delivery, reasonOf: ReasonOf, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      return this.#persistAfter(error, delivery, reasonOf, work)
    }
  }

  async #persistAfter<T>(error: unknown, delivery: Delivery, reasonOf: ReasonOf, work: () => Promise<T>): Promise<T> {
    const reason = reasonOf(error)
    if (this.draining.aborted || reason === undefined) throw error
    const partition = this.#partitions.of(delivery.record)!
    const about = this.#about(partition)
    const { clock, limits, signals } = this.#options
    partition.block(reason)
    try {
      const waiting = waitOut(error, { work, reasonOf, about, draining: this.draining, clock, limits, signals })
      return await this.#lanes.suspend(waiting)
    } finally {
      // After the end the consumer is another assignment's, whose pauses are none of ours.
      if (!this.isOver && partition.unblock()) signals.emit('partition.unblocked', about)
    }
  }

  #admit(tracked: Tracked): void {
    const verdict = this.#verdict(tracked.delivery)
    switch (verdict.kind) {
      case 'run':
      case 'forward':
        this.#enqueue(tracked)
        break
      case 'wait':
        tracked.partition.waiting.add(tracked, verdict.untilMs)
        break
      case 'drop':
        this.#finish(tracked)
    }
  }

  #enqueue(tracked: Tracked): void {
    this.#queuedBytes += tracked.bytes
    const { delivery, partition } = tracked
    // A copy belongs to the entity of its original; any other record lies where it came from.
    const place = delivery.trail ? placeOf(delivery.origin) : partition.place
    const { key } = delivery.record
    // As text: bytes are no keys of a Map.
    if (key === null) this.#lanes.push(`${place} without a key`, '', tracked)
    else this.#lanes.push(place, key.toString('latin1'), tracked)
  }

  /** A refused record goes its way to the dead letters: nobody asks its headers whether it is due. */
  #verdict(delivery: Delivery): Verdict {
    return delivery.refusal ? { kind: 'run' } : this.#options.admission.admit(delivery)
  }

  /** One turn of a lane. Must not reject. Few awaits: each of them is some of the cost of every record. */
  async #process(tracked: Tracked): Promise<void> {
    const { delivery } = tracked
    const { admission, limits } = this.#options
    try {
      // Asked anew, since it may have stood in its lane for long.
      const verdict = this.#verdict(delivery)
      if (verdict.kind === 'wait') return tracked.partition.waiting.add(tracked, verdict.untilMs)
      if (verdict.kind === 'forward') await admission.forward(delivery, verdict.untilMs, this)
      if (verdict.kind === 'run') {
        let attempted = await this.#attempt(tracked)
        this.#endAttempt(tracked)
        if (isWaitedOut(attempted, limits.handlerOutageMs > 0)) attempted = await this.#afterOutage(tracked, attempted.error)
        const settling = admission.settle(delivery, attempted, this)
        if (settling) await settling
      }
      if (!this.isOver) this.#finish(tracked)
    } catch (error) {
      // While the session drains, giving up is in order: the record is not finished and is read again after the next join.
      if (!this.draining.aborted) this.#options.onFailure(error)
    } finally {
      this.#queuedBytes -= tracked.bytes
      if (this.#lowWater.size > 0 && !this.isFull) this.#releaseRoom()
    }
  }

  #attempt(tracked: Tracked): Promise<Attempted> {
    const { delivery } = tracked
    if (delivery.refusal) return Promise.resolve({ kind: 'refused', error: delivery.refusal })
    tracked.attemptSinceMs = this.#options.clock.now()
    return this.#options.attempt(delivery, this)
  }

  #endAttempt(tracked: Tracked): void {
    tracked.attemptSinceMs = 0
    if (this.isOver) throw new AssignmentLost('the assignment was lost while the handler ran')
  }

  /** Until the record itself has an answer: an outage is waited out, and no attempt is used up. */
  #afterOutage(tracked: Tracked, error: unknown): Promise<Attempted> {
    const { clock, limits } = this.#options
    const handlerUntilMs = clock.now() + limits.handlerOutageMs
    return this.#persistAfter(error, tracked.delivery, outage, async () => {
      const attempted = await this.#attempt(tracked)
      this.#endAttempt(tracked)
      if (isWaitedOut(attempted, clock.now() < handlerUntilMs)) throw attempted.error
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

  #about({ topic, partition }: TopicPartition): { group: string; topic: string; partition: number } {
    return { group: this.#options.group, topic, partition }
  }
}
