/** What is nobody's fault is waited out: the record stays where it is, its partition is paused, and no attempt is used up. */
import { codeOf } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Attempted, BlockReason, ReasonOf } from './admission.ts'
import { type Clock, pause } from './clock.ts'
import type { SessionLimits } from './limits.ts'

type Threw = Extract<Attempted, { readonly kind: 'threw' }>

/** Failures that are never the message's fault. */
export function outage(error: unknown): BlockReason | undefined {
  const code = codeOf(error)
  if (code === 'E_REGISTRY_UNAVAILABLE') return 'registry'
  return code === 'E_BROKER_UNAVAILABLE' ? 'broker' : undefined
}

/** Without a type it is the decoder that has failed: the registry, which is waited for without end. A handler has its time. */
export function isWaitedOut(attempted: Attempted, handlerHasTime: boolean): attempted is Threw {
  return attempted.kind === 'threw' && (attempted.type === '' || handlerHasTime) && outage(attempted.error) !== undefined
}

export interface Interrupted<T> {
  readonly work: () => Promise<T>
  readonly reasonOf: ReasonOf
  readonly about: { readonly group: string; readonly topic: string; readonly partition: number }
  readonly draining: AbortSignal
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly signals: Signals
}

/** Tries again, with growing pauses, until it goes through. Rejects with an error that has no reason to wait, or when the session drains. */
export async function waitOut<T>(first: unknown, interrupted: Interrupted<T>): Promise<T> {
  const { work, reasonOf, about, draining, clock, limits, signals } = interrupted
  let error = first
  for (let retryInMs = limits.retryAfterMs; ; retryInMs = Math.min(retryInMs * 2, limits.maxRetryAfterMs)) {
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    signals.emit('partition.blocked', { ...about, reason, error, retryInMs })
    await pause(clock, retryInMs, draining)
    draining.throwIfAborted()
    try {
      return await work()
    } catch (next) {
      if (draining.aborted) throw next
      error = next
    }
  }
}
