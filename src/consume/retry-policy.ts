/** What a processor says about retries, beyond its tiers. */
import { DefinitionError } from '../errors.ts'
import { type Duration, durationMs } from '../message/duration.ts'

/**
 * Where a failed try leads: a tier or another wait, counted from now; a time; the DLQ; or nothing at all. Nothing given: the
 * next tier, as without a route.
 */
export type Route = Duration | Date | 'dead-letter' | 'skip' | undefined

export interface RetryOptions {
  /** Delays of the retry tiers, growing. Default 1s, 5s, 30s, 5m; [] sends a first failure straight to the DLQ. */
  readonly tiers?: readonly Duration[]
  /**
   * Asked after each try that failed with an unexpected error, also after the last tier; `attempt` counts tries and starts at 1.
   * When it throws, or answers something else, the next tier is taken and `route.failed` told. It may be asked twice: the breaker
   * does not count what it ends.
   */
  readonly route?: (error: unknown, attempt: number) => Route
  /** A try that fails this long after the first failure is the last one: its message is dead-lettered as expired. Default never. */
  readonly expireAfter?: Duration
  /**
   * When no tier is left: dead-letter the message and let the rest of its entity go on, or hold the entity and try again every
   * longest delay. Default continue.
   */
  readonly onExhausted?: 'continue' | 'block'
}

export interface RetryPolicy {
  readonly route: ((error: unknown, attempt: number) => Route) | undefined
  /** Milliseconds; Infinity when nothing expires. */
  readonly expireAfterMs: number
  readonly onExhausted: 'continue' | 'block'
}

/** Throws DefinitionError (E_DEFINITION). */
export function retryPolicy(what: string, options: RetryOptions, order: 'key' | 'none'): RetryPolicy {
  const { route, expireAfter, onExhausted = 'continue' } = options
  if (onExhausted === 'block' && order === 'none')
    throw new DefinitionError(
      `${what}: onExhausted: 'block' needs order: 'key', since without an order nothing waits behind a message`,
    )
  const expireAfterMs = expireAfter === undefined ? Number.POSITIVE_INFINITY : durationMs(expireAfter)
  if (expireAfterMs <= 0) throw new DefinitionError(`${what}: retry.expireAfter must be longer than 0`)
  return Object.freeze({ route, expireAfterMs, onExhausted })
}
