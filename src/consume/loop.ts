/**
 * The consume loop of one group in one process: takes records from the broker into the session of the current assignment,
 * commits what is finished, and lets a session end in order: drain, commit, gone.
 */
import type { AssignedPartition, BrokerRecord, GroupConsumer, GroupConsumerHandlers, TopicPartition } from '../broker/port.ts'
import type { Signals } from '../observe/signals.ts'
import type { Admission } from './admission.ts'
import type { Attempt } from './attempt.ts'
import { type Processor, sourceTopics } from './processor.ts'
import { defaultLimits, GroupSession, type SessionLimits } from './session.ts'
import { type Clock, systemClock } from './waiting.ts'

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
export class GroupLoop implements GroupConsumerHandlers {
  readonly #options: LoopOptions
  readonly #clock: Clock
  readonly #sources: ReadonlySet<string>
  readonly #onCrash: (error: unknown) => void
  #consumer: GroupConsumer | undefined
  #session: GroupSession | undefined
  #commits: Promise<void> = Promise.resolve()
  #commitTimer: unknown

  constructor(options: LoopOptions, onCrash: (error: unknown) => void) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#sources = new Set(sourceTopics(options.processor))
    this.#onCrash = onCrash
  }

  attach(consumer: GroupConsumer): void {
    this.#consumer = consumer
  }

  async onAssigned(partitions: readonly AssignedPartition[]): Promise<void> {
    this.#session?.end()
    const { processor, attempt, admission, signals } = this.#options
    this.#session = new GroupSession(partitions, {
      group: processor.name,
      sources: this.#sources,
      concurrency: processor.concurrency,
      attempt,
      admission,
      signals,
      clock: this.#clock,
      limits: this.#options.limits ?? defaultLimits,
      pause: (partition, paused) => (paused ? this.#consumer?.pause([partition]) : this.#consumer?.resume([partition])),
    })
    this.#armCommit()
    signals.emit('consumer.joined', { group: processor.name, partitions: partitions.length })
  }

  async onRecords(records: readonly BrokerRecord[], heartbeat: () => Promise<void>): Promise<void> {
    const session = this.#session
    if (!session?.accept(records)) return
    while (session.isFull && !session.draining.aborted) {
      await session.room(heartbeatEveryMs)
      await heartbeat()
    }
  }

  onPosition(partition: TopicPartition, position: bigint): void {
    this.#session?.advance(partition, position)
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

  onCrash(error: unknown): void {
    if (this.#session) this.#endSession(this.#session)
    this.#onCrash(error)
  }

  #endSession(session: GroupSession): void {
    session.end()
    this.#clock.clearTimer(this.#commitTimer)
    if (this.#session === session) this.#session = undefined
  }

  #armCommit(): void {
    this.#clock.clearTimer(this.#commitTimer)
    const session = this.#session
    if (!session) return
    this.#commitTimer = this.#clock.setTimer(() => {
      void this.#commit(session).then(() => {
        if (this.#session === session) this.#armCommit()
      })
    }, commitEveryMs)
  }

  /** One commit at a time, so that the drain's is the last word of its session. */
  #commit(session: GroupSession): Promise<void> {
    this.#commits = this.#commits.then(async () => {
      const offsets = session.takeCommit()
      if (offsets.length === 0) return
      try {
        await this.#consumer?.commit(offsets)
      } catch (error) {
        session.returnCommit(offsets)
        this.#options.signals.emit('commit.failed', { group: this.#options.processor.name, error })
      }
    })
    return this.#commits
  }
}
