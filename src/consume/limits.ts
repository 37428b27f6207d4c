import type { Window } from './partition.ts'

/** How much one assignment of a group takes on. */
export interface SessionLimits {
  /** In lanes, running or queued, of all partitions together: above either, fetching waits. */
  readonly maxQueuedRecords: number
  readonly maxQueuedBytes: number
  readonly partitionWindow: Window
  /** First and longest pause before a blocked record is tried again. */
  readonly retryAfterMs: number
  readonly maxRetryAfterMs: number
  /**
   * How long errors of a handler count as an outage (a broker or registry that does not answer), which is waited out, before they
   * count as the message's. Its error may tell of something else than the cluster it runs on.
   */
  readonly handlerOutageMs: number
}

export const defaultLimits: SessionLimits = {
  maxQueuedRecords: 10_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  partitionWindow: { records: 5_000, bytes: 16 * 1024 * 1024 },
  retryAfterMs: 200,
  maxRetryAfterMs: 10_000,
  handlerOutageMs: 300_000,
}
