/**
 * The consume loop of one group in one process: takes records from the broker into the session of the current assignment,
 * commits what is finished, and lets a session end in order: drain, commit, gone.
 */
import type { AssignedPartition, BrokerRecord, GroupConsumer, TopicPartition } from '../broker/port.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission } from './admission.ts'
import type { Attempt } from './attempt.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Processor, sourceTopics } from './processor.ts'
import type { SessionProgress } from './progress.ts'
import { defaultLimits, GroupSession, type SessionLimits } from './session.ts'

export interface LoopOptions {
  readonly processor: Processor
  readonly attempt: Attempt
  readonly admission: Admission
  readonly signals: Signals
  /** How long a drain waits for running handlers. Milliseconds. */
  readonly drainTimeoutMs: number
  readonly clock?: Clock
  readonly limits?: SessionLimits
}

const commitEveryMs = 200
/** While fetching waits for room, the membership is kept alive this often. */
const heartbeatEveryMs = 1_000

/** Give it to `broker.consumer`, then `attach` what comes back. */
export class GroupLoop {
  readonly processor: Processor
  readonly #options: LoopOptions
  readonly #clock: Clock
  readonly #sources: ReadonlySet<string>
  #consumer: GroupConsumer | undefined
  #session: GroupSession | undefined
  #commits: Promise<void> = Promise.resolve()
  #commitTimer: unknown

  constructor(options: LoopOptions) {
    this.processor = options.processor
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#sources = new Set(sourceTopics(options.processor))
  }

  attach(consumer: GroupConsumer): void {
    this.#consumer = consumer
  }

  /** Undefined between two assignments. */
  progress(): SessionProgress | undefined {
    return this.#session?.progress()
  }

  async onAssigned(partitions: readonly AssignedPartition[]): Promise<void> {
    this.abandon()
    const { processor, attempt, admission, signals } = this.#options
    const session = new GroupSession(partitions, {
      group: processor.name,
      sources: this.#sources,
      concurrency: processor.concurrency,
      attempt,
      admission,
      signals,
      clock: this.#clock,
      limits: this.#options.limits ?? defaultLimits,
      onProgress: () => this.#armCommit(session),
      pause: (partition, paused) => (paused ? this.#consumer?.pause([partition]) : this.#consumer?.resume([partition])),
    })
    this.#session = session
    signals.emit('consumer.joined', { group: processor.name, partitions: partitions.length })
    if (partitions.length === 0) session.polled()
  }

  async onRecords(records: readonly BrokerRecord[], heartbeat: () => Promise<void>): Promise<void> {
    const session = this.#session
    if (!session?.accept(records)) return
    while (session.isFull && !session.draining.aborted) {
      await session.room(heartbeatEveryMs)
      await heartbeat()
    }
  }

  onPosition(partition: TopicPartition, position: bigint, end: bigint): void {
    this.#session?.advance(partition, position, end)
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

  /** The consumer has broken down: nothing more can be committed, and what runs is of no use. */
  abandon(): void {
    if (this.#session) this.#endSession(this.#session)
  }

  #endSession(session: GroupSession): void {
    session.end()
    this.#clock.clearTimer(this.#commitTimer)
    this.#commitTimer = undefined
    if (this.#session === session) this.#session = undefined
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
      const offsets = session.takeCommit()
      if (offsets.length === 0) return
      try {
        await this.#consumer?.commit(offsets)
        session.committed(offsets)
      } catch (error) {
        session.returnCommit(offsets)
        this.#armCommit(session)
        this.#options.signals.emit('commit.failed', { group: this.#options.processor.name, error })
      }
    })
    return this.#commits
  }
}
