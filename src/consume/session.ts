/**
 * One assignment of the group to this process, from join to revocation. A session that is over stays over: whatever still
 * finishes in it is neither committed nor settled.
 */
import type { AssignedPartition, BrokerRecord, CommittedOffset, TopicPartition } from '../broker/port.ts'
import { AssignmentLost, codeOf } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import { readTrail } from '../topic/trail.ts'
import type { Admission, Attempted, Delivery, Session } from './admission.ts'
import type { Attempt } from './attempt.ts'
import { type Clock, pause, withinMs } from './clock.ts'
import { encodeFinished } from './finished.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { Partition, type Tracked } from './partition.ts'
import type { SessionProgress } from './progress.ts'

export interface SessionLimits {
  /** In lanes, running or queued, of all partitions together: above either, fetching waits. */
  readonly maxQueuedRecords: number
  readonly maxQueuedBytes: number
  /** Unfinished records of one partition, waiting ones included: at this many the partition is paused, at half of it resumed. */
  readonly partitionWindow: number
  /** First and longest pause before a blocked record is tried again. */
  readonly retryAfterMs: number
  readonly maxRetryAfterMs: number
}

export const defaultLimits: SessionLimits = {
  maxQueuedRecords: 10_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  partitionWindow: 5_000,
  retryAfterMs: 200,
  maxRetryAfterMs: 10_000,
}

export interface SessionOptions {
  readonly group: string
  readonly sources: ReadonlySet<string>
  readonly concurrency: number
  readonly attempt: Attempt
  readonly admission: Admission
  readonly signals: Signals
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly pause: (partition: TopicPartition, paused: boolean) => void
  /** There may be something to commit. */
  readonly onProgress: () => void
}

/** Failures that are never the message's fault: the record waits where it is and no attempt is used up. */
const outages = new Set(['E_REGISTRY_UNAVAILABLE', 'E_BROKER_UNAVAILABLE'])

export class GroupSession implements Session {
  readonly #options: SessionOptions
  readonly #partitions = new Map<string, Map<number, Partition>>()
  readonly #lanes: Lanes<Tracked>
  readonly #draining = new AbortController()
  readonly #cancels = new Set<(reason: unknown) => void>()
  #queuedBytes = 0
  #polled = false
  #over = false
  #lowWater: (() => void)[] = []

  constructor(assigned: readonly AssignedPartition[], options: SessionOptions) {
    this.#options = options
    this.#lanes = createLanes(options.concurrency, tracked => this.#process(tracked))
    for (const one of assigned) {
      const partition = new Partition(one, options.clock, tracked => this.#admit(tracked), options.pause)
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
    const partitions = this.#all().map(partition => partition.progress())
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
    const partition = first && this.#partitionOf(first)
    if (!partition || this.#draining.signal.aborted) return false
    for (const record of records) {
      const entry = partition.ledger.begin(record.offset, record.timestampMs)
      if (!entry) continue
      const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0)
      this.#admit({ delivery: this.#deliveryOf(record), entry, partition, bytes, attemptSinceMs: 0 })
    }
    if (partition.ledger.unfinished >= this.#options.limits.partitionWindow) partition.setPaused('window', true)
    return true
  }

  advance(at: TopicPartition, position: bigint, end: bigint): void {
    if (this.#partitionOf(at)?.advance(position, end)) this.#options.onProgress()
    this.polled()
  }

  /** The broker has answered a fetch, or there is nothing to fetch. */
  polled(): void {
    if (this.#polled) return
    this.#polled = true
    this.#options.signals.emit('consumer.polled', { group: this.#options.group })
  }

  /** Resolves at once, or when enough of the queue is done, or after `atMostMs`. */
  room(atMostMs: number): Promise<void> {
    if (!this.isFull || this.#draining.signal.aborted) return Promise.resolve()
    const { clock } = this.#options
    return new Promise(resolve => {
      const timer = clock.setTimer(resolve, atMostMs)
      this.#lowWater.push(() => {
        clock.clearTimer(timer)
        resolve()
      })
    })
  }

  get isFull(): boolean {
    const { maxQueuedRecords, maxQueuedBytes } = this.#options.limits
    return this.#lanes.size > maxQueuedRecords || this.#queuedBytes > maxQueuedBytes
  }

  /** What has changed since the last call, all of one instant. */
  takeCommit(): CommittedOffset[] {
    if (this.#over) return []
    return this.#all()
      .filter(({ ledger }) => ledger.takeChanged())
      .map(partition => {
        const offset = partition.ledger.prefix
        const { metadata, complete } = encodeFinished(offset, partition.ledger.finishedAbovePrefix())
        partition.setPaused('metadata', !complete)
        return { topic: partition.topic, partition: partition.partition, offset, metadata }
      })
  }

  /** The commit with these offsets was acknowledged. */
  committed(offsets: readonly CommittedOffset[]): void {
    for (const at of offsets) this.#partitionOf(at)?.committed(at.offset)
  }

  /** The commit with these offsets did not get through. */
  returnCommit(offsets: readonly CommittedOffset[]): void {
    for (const at of offsets) this.#partitionOf(at)?.ledger.markChanged()
  }

  /** Nothing starts any more, what runs may finish. Resolves when nothing runs or after `atMostMs`, with how many still run. */
  async drain(atMostMs: number): Promise<number> {
    this.#lanes.close()
    this.#draining.abort(new AssignmentLost('the assignment is being given up'))
    for (const { waiting } of this.#all()) waiting.clear()
    this.#releaseRoom()
    await withinMs(this.#options.clock, atMostMs, this.#lanes.idle())
    return this.#lanes.running
  }

  /** The end: late results are ignored, handlers that still run are told to stop. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#lanes.close()
    const lost = new AssignmentLost('the assignment was lost while the handler ran')
    if (!this.#draining.signal.aborted) this.#draining.abort(lost)
    for (const { waiting } of this.#all()) waiting.clear()
    this.#releaseRoom()
    for (const cancel of [...this.#cancels]) cancel(lost)
  }

  block(delivery: Delivery, reason: 'registry' | 'produce', error: unknown, retryInMs: number): void {
    const { record } = delivery
    this.#partitionOf(record)?.block(delivery, reason, this.#options.clock.now())
    this.#options.signals.emit('partition.blocked', { ...this.#about(record), reason, error, retryInMs })
  }

  unblock({ record }: Delivery): void {
    if (this.#partitionOf(record)?.unblock()) this.#options.signals.emit('partition.unblocked', this.#about(record))
  }

  #admit(tracked: Tracked): void {
    const verdict = this.#options.admission.admit(tracked.delivery)
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

  /** One turn of a lane. Must not reject. */
  async #process(tracked: Tracked): Promise<void> {
    try {
      if ((await this.#handle(tracked)) && !this.#over) this.#finish(tracked)
    } catch {
      // Given up because the session drains: the record is not finished, so it is read again after the next join.
    } finally {
      this.#queuedBytes -= tracked.bytes
      if (this.#lowWater.length > 0 && !this.isFull) this.#releaseRoom()
    }
  }

  /** True when the record is finished. Asked anew, since it may have stood in its lane for long. */
  async #handle(tracked: Tracked): Promise<boolean> {
    const { admission } = this.#options
    const verdict = admission.admit(tracked.delivery)
    switch (verdict.kind) {
      case 'run':
        await admission.settle(tracked.delivery, await this.#attempted(tracked), this)
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

  /** Tries until the record itself has an answer: an outage is waited out here. */
  async #attempted(tracked: Tracked): Promise<Attempted> {
    const { delivery } = tracked
    const { clock, limits, attempt } = this.#options
    for (let retryInMs = limits.retryAfterMs; ; retryInMs = Math.min(retryInMs * 2, limits.maxRetryAfterMs)) {
      tracked.attemptSinceMs = clock.now()
      const attempted = await attempt(delivery, this.#cancels)
      tracked.attemptSinceMs = 0
      this.#refuseIfOver()
      if (attempted.kind !== 'threw' || !outages.has(codeOf(attempted.error) ?? '')) return attempted
      this.block(delivery, 'registry', attempted.error, retryInMs)
      await pause(clock, retryInMs, this.draining)
      this.unblock(delivery)
      this.draining.throwIfAborted()
    }
  }

  #refuseIfOver(): void {
    if (this.#over) throw new AssignmentLost('the assignment was lost while the handler ran')
  }

  #finish(tracked: Tracked): void {
    const { partition } = tracked
    partition.finish(tracked)
    this.#options.onProgress()
    if (partition.ledger.unfinished * 2 <= this.#options.limits.partitionWindow) partition.setPaused('window', false)
  }

  #deliveryOf(record: BrokerRecord): Delivery {
    const trail = this.#options.sources.has(record.topic) ? undefined : readTrail(record.headers)
    // Field by field: an origin travels in signals and logs, where the record's payload has no business.
    const { topic, partition, offset, timestampMs } = record
    if (!trail) return { record, origin: { topic, partition, offset, timestampMs }, attempt: 1 }
    return { record, origin: trail.origin, trail, attempt: trail.attempt + 1 }
  }

  #releaseRoom(): void {
    for (const release of this.#lowWater.splice(0)) release()
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

/** An entity is a key of one source partition; without a key, the whole partition is one. */
function laneOf({ record, origin }: Delivery): string {
  return `${origin.topic}/${origin.partition}/${record.key === null ? '' : `=${record.key.toString('latin1')}`}`
}
