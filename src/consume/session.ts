/**
 * One assignment of the group to this process, from join to revocation. A session that is over stays over: whatever still
 * finishes in it is neither committed nor settled.
 */
import type { AssignedPartition, BrokerRecord, CommittedOffset, TopicPartition } from '../broker/port.ts'
import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission, AssignedAdmission, Attempted, Delivery, ReasonOf, Session, Verdict } from './admission.ts'
import type { Attempt, AttemptScope } from './attempt.ts'
import type { Breaker } from './breaker.ts'
import { type Clock, untilTime, withinMs } from './clock.ts'
import { placeOf } from './delivery.ts'
import { Hold } from './hold.ts'
import { Lanes } from './lanes.ts'
import type { SessionLimits } from './limits.ts'
import { outage } from './outage.ts'
import type { Tracked } from './partition.ts'
import { Partitions } from './partitions.ts'
import { Patience } from './patience.ts'
import type { SessionProgress } from './progress.ts'
import { Running } from './running.ts'
import { Tries } from './tries.ts'

export interface SessionOptions {
  readonly group: string
  readonly deliver: (record: BrokerRecord) => Delivery
  readonly concurrency: number
  readonly attempt: Attempt
  readonly admission: Admission
  /** Undefined: none is wanted. */
  readonly breaker: Breaker | undefined
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
  readonly #admission: AssignedAdmission
  readonly #patience: Patience
  readonly #hold: Hold
  readonly #tries: Tries
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
      onBegun: tracked => this.#admit(tracked),
      onDue: tracked => this.#admit(tracked),
      onAdvanced: (at, position) => this.#admission.advanced(at, position),
      pause: options.pause,
    })
    const { draining } = this
    this.#patience = new Patience({ ...options, partitions: this.#partitions, draining, isOver: () => this.isOver })
    this.#hold = new Hold({ breaker: options.breaker, lanes: this.#lanes, partitions: assigned.length })
    this.#tries = new Tries(this, {
      ...options,
      hold: this.#hold,
      patiently: (error, { partition }, work) => this.#patience.after(error, partition, outage, work),
      aside: work => this.#lanes.suspend(work),
    })
    this.#admission = options.admission.onAssigned(assigned, this)
    for (const partition of this.#partitions.all()) {
      const ready = this.#admission.ready(partition.partition)
      if (ready) void partition.holdUntil(ready)
    }
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
      held: this.#lanes.held,
      waiting: partitions.reduce((sum, { waiting }) => sum + waiting, 0),
      partitions,
      parked: () => this.#admission.parked(),
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

  /** What lay from `from` on is gone. A log that is read from further below was made anew. */
  reset(at: TopicPartition, from: bigint, to: bigint): void {
    if (to >= from) this.#admission.lost(at, from, to)
    else if (this.#admission.outlives(at)) this.#partitions.of(at)?.restart(to)
    else this.#options.onFailure(new AssignmentLost(`${at.topic}/${at.partition} was made anew: what waits is looked for again`))
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
    return this.#partitions.takeCommit()
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
    this.#hold.close(lost)
    for (const partition of this.#partitions.all()) partition.close()
    this.#releaseRoom()
    return lost
  }

  again(tracked: Tracked, next: Delivery, timeMs: number): Promise<Attempted> {
    return this.#tries.again(tracked, next, this.#lanes.suspend(untilTime(this.#options.clock, timeMs, this.draining)))
  }

  async persist<T>(at: TopicPartition, reasonOf: ReasonOf, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      return this.#patience.after(error, at, reasonOf, work)
    }
  }

  keepsMuch(number: number): boolean {
    return this.#partitions.all().some(one => one.partition === number && one.keepsMuch)
  }

  keepsTooMuch(number: number): boolean {
    return this.#partitions.all().some(one => one.partition === number && one.keepsTooMuch)
  }

  release(tracked: Tracked): void {
    tracked.partition.setKept(tracked, false)
    this.#enqueue(tracked)
  }

  wait(tracked: Tracked, untilMs: number): void {
    if (this.draining.aborted) return
    tracked.partition.setKept(tracked, false)
    // What it was kept for was over before it was due.
    tracked.wasKept = false
    tracked.partition.waiting.add(tracked, untilMs)
  }

  finish(tracked: Tracked): void {
    if (!this.isOver && tracked.partition.finish(tracked)) this.#options.onProgress()
  }

  finishAhead(at: TopicPartition, offsets: readonly bigint[]): void {
    if (this.isOver) return
    this.#partitions.of(at)?.ledger.finishAhead(offsets)
    this.#options.onProgress()
  }

  #admit(tracked: Tracked): void {
    if (tracked.entry.finished) return
    const verdict = this.#admission.admit(tracked)
    if (verdict.kind === 'lane') this.#enqueue(tracked)
    else if (verdict.kind === 'drop') this.finish(tracked)
    else this.#putAside(tracked, verdict)
  }

  #putAside(tracked: Tracked, verdict: Extract<Verdict, { kind: 'wait' | 'keep' }>): void {
    if (verdict.kind === 'wait') tracked.partition.waiting.add(tracked, verdict.untilMs)
    else tracked.partition.setKept(tracked, true)
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

  /** One turn of a lane. Must not reject. Few awaits: each of them is some of the cost of every record. */
  async #process(tracked: Tracked): Promise<void> {
    try {
      // Another copy of its number turned out to be the live one while it stood here.
      if (tracked.entry.finished) return
      const turn = this.#admission.turn(tracked)
      if (turn.kind === 'wait' || turn.kind === 'keep') return this.#putAside(tracked, turn)
      // A copy under way takes no handler's place: while many fail at once, those that do not would get none.
      if (turn.kind === 'move') await this.#lanes.lend(turn.move())
      if (turn.kind === 'run') {
        const preparing = this.#tries.preparing(tracked)
        const attempted = preparing
          ? this.#tries.again(tracked, tracked.delivery, preparing)
          : this.#tries.ended(tracked, await this.#tries.begin(tracked))
        const settling = this.#admission.settle(tracked, attempted instanceof Promise ? await attempted : attempted)
        if (settling) await (this.#admission.keepsPlace ? settling : this.#lanes.lend(settling))
      }
      this.finish(tracked)
    } catch (error) {
      // While the session drains, giving up is in order: the record is not finished and is read again after the next join.
      if (!this.draining.aborted) this.#options.onFailure(error)
    } finally {
      this.#queuedBytes -= tracked.bytes
      if (this.#lowWater.size > 0 && !this.isFull) this.#releaseRoom()
    }
  }

  #releaseRoom(): void {
    for (const release of this.#lowWater) release()
  }
}
