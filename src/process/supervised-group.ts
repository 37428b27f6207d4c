/** Keeps the consumer of one group alive: builds it, and builds it anew, with back-off, when it breaks down. */
import type { GroupConsumer } from '../broker/port.ts'
import type { Clock } from '../consume/clock.ts'
import { codeOf } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'

export interface SupervisedGroupOptions {
  readonly group: string
  /** Makes a fresh consumer; it is not started. `onCrash` is called when it breaks down. */
  readonly connect: (onCrash: (error: unknown) => void) => Promise<GroupConsumer>
  readonly signals: Signals
  readonly clock: Clock
  /** It has ended for a reason that rebuilding it would meet again. */
  readonly onFailed?: (error: unknown) => void
}

const firstRetryMs = 1_000
const longestRetryMs = 30_000
/** A consumer that has lived this long has earned the short back-off again. */
const stableAfterMs = 60_000

export class SupervisedGroup {
  readonly #options: SupervisedGroupOptions
  #consumer: GroupConsumer | undefined
  #stopping = false
  #rebuild: unknown
  #rebuilding: Promise<void> = Promise.resolve()
  #retryInMs = firstRetryMs
  /** Undefined while no consumer is joined. */
  #startedAtMs: number | undefined

  constructor(options: SupervisedGroupOptions) {
    this.#options = options
  }

  /** Rejects when the group cannot be joined the first time; later breakdowns are mended here. */
  async start(): Promise<void> {
    const consumer = await this.#options.connect(error => this.#crashed(error))
    if (this.#stopping) return
    this.#consumer = consumer
    try {
      await consumer.start()
      this.#startedAtMs = this.#options.clock.now()
    } catch (error) {
      this.#consumer = undefined
      await consumer.stop()
      throw error
    }
  }

  /** One that breaks down before its first join has told so by rejecting `start`. */
  #crashed(error: unknown): void {
    const broken = this.#consumer
    if (this.#stopping || !broken || this.#startedAtMs === undefined) return
    const { clock } = this.#options
    if (clock.now() - this.#startedAtMs > stableAfterMs) this.#retryInMs = firstRetryMs
    this.#consumer = undefined
    this.#startedAtMs = undefined
    void broken.stop()
    this.#retryLater(error)
  }

  /** Always settles. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#options.clock.clearTimer(this.#rebuild)
    // Also one that is only being started: without a broker its start would take minutes to give up.
    await this.#consumer?.stop()
    await this.#rebuilding
    this.#consumer = undefined
    this.#options.signals.emit('consumer.stopped', { group: this.#options.group })
  }

  #retryLater(error: unknown): void {
    const { group, signals, clock, onFailed } = this.#options
    if (codeOf(error) === 'E_DATA_LOST') {
      signals.emit('consumer.failed', { group, error })
      onFailed?.(error)
      return
    }
    const retryInMs = this.#retryInMs
    this.#retryInMs = Math.min(retryInMs * 2, longestRetryMs)
    signals.emit('consumer.crashed', { group, error, retryInMs })
    this.#rebuild = clock.setTimer(() => {
      this.#rebuilding = this.start().catch(failure => {
        if (!this.#stopping) this.#retryLater(failure)
      })
    }, retryInMs)
  }
}
