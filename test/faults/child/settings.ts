/** What the test tells a worker child, in IT_WORKER. */
export interface WorkerSettings {
  readonly topic: string
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
}
