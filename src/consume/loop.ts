/**
 * The consume loop of one group in one process: takes records from the broker into the session of the current assignment,
 * commits what is finished, and lets a session end in order: drain, commit, gone.
 */
import type {
  AssignedPartition,
  BrokerRecord,
  CommittedOffset,
  GroupConsumer,
  OffsetReset,
  TopicPartition,
  UnreadableBatch,
} from '../broker/port.ts'
import { codeOf, DataLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission } from './admission.ts'
import type { Attempt } from './attempt.ts'
import type { Breaker } from './breaker.ts'
import { type Clock, systemClock } from './clock.ts'
import { commitRequests } from './commit-requests.ts'
import { deliveries, placeOf } from './delivery.ts'
import { defaultLimits, type SessionLimits } from './limits.ts'
import { type Processor, sourceTopics } from './processor.ts'
import type { SessionProgress } from './progress.ts'
import { GroupSession } from './session.ts'

export interface LoopOptions {
  readonly processor: Processor
  readonly attempt: Attempt
  readonly admission: Admission
  /** Undefined: none is wanted. */
  readonly breaker?: Breaker | undefined
  readonly signals: Signals
  /** How long a drain waits for running handlers. Milliseconds. */
  readonly drainTimeoutMs: number
  readonly clock?: Clock
  readonly limits?: SessionLimits
}

const commitEveryMs = 200
/** While fetching waits for room, the membership is kept alive this often. */
const heartbeatEveryMs = 1_000

/** Give its handlers to `broker.consumer`, then `attach` what comes back. */
export class GroupLoop {
  readonly processor: Processor
  readonly #options: LoopOptions
  readonly #clock: Clock
  readonly #deliver: ReturnType<typeof deliveries>
  /** What was committed last, for as long as this process lives: an assignment that begins lower has lost it. */
  readonly #committed = new Map<string, bigint>()
  /** Positions that the next assignment has and no commit says. */
  #resets: TopicPartition[] = []
  #begun = false
  #consumer: GroupConsumer | undefined
  #onFailure: (error: unknown) => void = () => undefined
  #session: GroupSession | undefined
  #commits: Promise<void> = Promise.resolve()
  #commitTimer: unknown

  constructor(options: LoopOptions) {
    this.processor = options.processor
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#deliver = deliveries(new Set(sourceTopics(options.processor)), options.processor.limits)
  }

  /** `onFailure` is called when the loop itself cannot go on; the consumer has to be built anew. */
  attach(consumer: GroupConsumer, onFailure: (error: unknown) => void): void {
    this.#consumer = consumer
    this.#onFailure = onFailure
  }

  /** An assignment has begun once. */
  get hasBegun(): boolean {
    return this.#begun
  }

  /** Undefined between two assignments. */
  progress(): SessionProgress | undefined {
    return this.#session?.progress()
  }

  async onAssigned(partitions: readonly AssignedPartition[]): Promise<void> {
    this.abandon()
    this.#findLostCommits(partitions)
    const { processor, attempt, admission, breaker, signals } = this.#options
    const session = new GroupSession(partitions, {
      group: processor.name,
      deliver: this.#deliver,
      concurrency: processor.concurrency,
      attempt,
      admission,
      breaker,
      signals,
      clock: this.#clock,
      limits: this.#options.limits ?? defaultLimits,
      onProgress: () => this.#armCommit(session),
      onFailure: error => {
        if (this.#session === session) this.#onFailure(error)
      },
      pause: (partition, paused) => {
        // A session that is over must not touch what the next one has paused.
        if (this.#session === session) this.#consumer?.[paused ? 'pause' : 'resume']([partition])
      },
    })
    this.#session = session
    this.#begun = true
    session.recommit(this.#resets.splice(0))
    signals.emit('consumer.joined', { group: processor.name, partitions: partitions.length })
    if (partitions.length === 0) session.polled()
  }

  async onRecords(records: readonly BrokerRecord[], heartbeat: () => Promise<void>): Promise<void> {
    const session = this.#session
    if (!session?.accept(records)) return
    for (const record of records) if (record.unreadable) this.#tellUnreadable(record, record.unreadable)
    while (session.isFull && !session.draining.aborted) {
      await session.room(heartbeatEveryMs)
      await heartbeat()
    }
  }

  onPosition(partition: TopicPartition, position: bigint, end: bigint): void {
    this.#session?.advance(partition, position, end)
  }

  /** Throws DataLost (E_DATA_LOST) when the processor is to stop then. */
  onReset(reset: Omit<OffsetReset, 'reason'> & { readonly reason: OffsetReset['reason'] | 'commit-gone' }): void {
    const { processor, signals } = this.#options
    const { topic, partition, from, to, reason } = reset
    signals.emit('offset.reset', { group: processor.name, topic, partition, from, to, reason })
    if (processor.onDataLoss === 'stop')
      throw new DataLost(
        `${processor.name} has stopped: it was to go on at ${topic}[${partition}] ${from}, which is gone (${reason}); the first there is is ${to}. ` +
          `Move the group's offset to where it may go on, or set onDataLoss: 'earliest'`,
      )
    this.#committed.delete(placeOf(reset))
    if (!this.#session) this.#resets.push({ topic, partition })
    else this.#session.reset(reset, from, to)
  }

  async onRevoking(): Promise<void> {
    const session = this.#session
    if (!session) return
    const { processor, signals, drainTimeoutMs } = this.#options
    const group = processor.name
    const startedAtMs = this.#clock.now()
    signals.emit('consumer.revoking', { group, running: session.running })
    const unfinished = await session.drain(drainTimeoutMs)
    await this.#commit(session)
    this.#endSession(session)
    signals.emit('consumer.drained', { group, unfinished, durationMs: this.#clock.now() - startedAtMs })
  }

  /** A broker forgets the commits for a topic that is deleted; a group that went on without a word would handle it all again. */
  #findLostCommits(partitions: readonly AssignedPartition[]): void {
    for (const { topic, partition, position } of partitions) {
      const committed = this.#committed.get(placeOf({ topic, partition })) ?? 0n
      if (position < committed) this.onReset({ topic, partition, from: committed, to: position, reason: 'commit-gone' })
    }
  }

  #tellUnreadable(record: BrokerRecord, { firstOffset, codec, bytes, reason }: UnreadableBatch): void {
    const { topic, partition, offset: lastOffset } = record
    const group = this.processor.name
    this.#options.signals.emit('batch.unreadable', { group, topic, partition, firstOffset, lastOffset, codec, bytes, reason })
  }

  /** The consumer has broken down: nothing more can be committed, and what runs is of no use. */
  abandon(): void {
    if (this.#session) this.#endSession(this.#session)
  }

  #endSession(session: GroupSession): void {
    session.end()
    if (this.#session !== session) return
    this.#clock.clearTimer(this.#commitTimer)
    this.#commitTimer = undefined
    this.#session = undefined
  }

  /** Armed by the first change after a commit, so that an idle group costs nothing. */
  #armCommit(session: GroupSession): void {
    if (this.#commitTimer !== undefined || this.#session !== session) return
    this.#commitTimer = this.#clock.setTimer(() => {
      this.#commitTimer = undefined
      void this.#commit(session)
    }, commitEveryMs)
  }

  /** One commit at a time, so that the drain's is the last word of its session. */
  #commit(session: GroupSession): Promise<void> {
    this.#commits = this.#commits.then(async () => {
      for (const request of commitRequests(this.processor.name, session.takeCommit())) await this.#request(session, request)
    })
    return this.#commits
  }

  async #request(session: GroupSession, offsets: readonly CommittedOffset[]): Promise<void> {
    try {
      await this.#consumer?.commit(offsets)
      session.committed(offsets)
      for (const at of offsets) this.#committed.set(placeOf(at), at.offset)
    } catch (error) {
      // It notices at its next heartbeat; until then it would run what another process is running.
      if (codeOf(error) === 'E_ASSIGNMENT_LOST') session.lose()
      else session.recommit(offsets)
      this.#options.signals.emit('commit.failed', { group: this.processor.name, error })
    }
  }
}
