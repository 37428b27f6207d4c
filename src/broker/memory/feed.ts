/** Hands the records of one assigned partition over, one batch after the other, until the assignment ends. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { BrokerRecord } from '../port.ts'
import type { PartitionLog } from './log.ts'

const batchSize = 500

export interface FeedHandlers {
  /** The next batch comes when this has resolved; a rejection goes to `onError` and ends the feed. */
  onRecords(records: readonly BrokerRecord[]): Promise<void>
  onPosition(position: bigint, end: bigint): void
  onError(error: unknown): void
}

export class Feed {
  readonly #log: PartitionLog
  readonly #handlers: FeedHandlers
  #position: bigint
  #running = false
  #paused = false
  #stopListening: (() => void) | undefined
  #ended = false

  constructor(log: PartitionLog, position: bigint, handlers: FeedHandlers) {
    this.#log = log
    this.#position = position
    this.#handlers = handlers
  }

  begin(): void {
    if (this.#ended) return
    this.#stopListening = this.#log.onAppend(() => void this.#run())
    this.#tell()
    void this.#run()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#stopListening) void this.#run()
  }

  /** Nothing more is handed over. */
  end(): void {
    this.#ended = true
    this.#stopListening?.()
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      while (this.#next().length > 0) {
        // Handlers without real I/O would else run to the end of the log before any timer of the process.
        await turnOfTheLoop()
        await this.#handOver(this.#next())
      }
    } catch (error) {
      this.end()
      this.#handlers.onError(error)
    } finally {
      this.#running = false
    }
  }

  #next(): readonly BrokerRecord[] {
    return this.#ended || this.#paused ? [] : this.#log.read(this.#position, batchSize)
  }

  async #handOver(records: readonly BrokerRecord[]): Promise<void> {
    const last = records.at(-1)
    if (!last) return
    this.#tell()
    this.#position = last.offset + 1n
    await this.#handlers.onRecords(records)
    if (!this.#ended) this.#tell()
  }

  #tell(): void {
    this.#handlers.onPosition(this.#position, this.#log.high)
  }
}
