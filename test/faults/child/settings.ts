import type { Duration } from '../../../src/message/duration.ts'

/** What the test tells a worker child, in IT_WORKER. */
export interface WorkerSettings {
  /** Each with the same partitions, and one type of event. */
  readonly topics: readonly string[]
  readonly partitions: number
  readonly group: string
  /** The file that all children append to. */
  readonly journal: string
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly sessionTimeoutMs: number
  /** A handler takes up to so many milliseconds, each message its own time. */
  readonly workMs: number
  readonly handlerTimeoutMs: number
  readonly tiers: readonly Duration[]
  /** How many records of a partition may be unfinished in a process. */
  readonly windowRecords: number
  readonly onExhausted: 'continue' | 'block'
}
