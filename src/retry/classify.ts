/** What an attempt leads to: done, retry, retry at a stated time, dead-letter, or skip. Pure but for the fingerprint of an error. */
import type { Attempted } from '../consume/admission.ts'
import type { RetryLater } from '../consume/outcome.ts'
import { codeOf } from '../errors.ts'
import type { Disposition, Failure } from '../topic/trail.ts'
import { failureOf } from './failure.ts'

export type Outcome =
  | { readonly kind: 'done' }
  /** `exhausted` is what the letter says when the ladder has no further tier. `thrown` by the handler, unexpected; missing when it is the decoder that failed. */
  | {
      readonly kind: 'retry'
      readonly failure: Failure
      readonly exhausted: Disposition
      readonly thrown?: { readonly error: unknown }
    }
  | { readonly kind: 'later'; readonly failure: Failure; readonly at: RetryLater['at'] }
  | { readonly kind: 'dead-letter'; readonly failure: Failure; readonly disposition: Disposition }
  | { readonly kind: 'skip'; readonly reason: 'requested' | 'unhandled'; readonly detail: string }

export function classify(attempted: Attempted): Outcome {
  switch (attempted.kind) {
    case 'returned':
      return { kind: 'done' }
    case 'undecodable':
      return { kind: 'dead-letter', failure: failureOf(attempted.error), disposition: 'undecodable' }
    case 'refused':
      return { kind: 'dead-letter', failure: failureOf(attempted.error), disposition: 'refused' }
    case 'unhandled':
      // Not skipped: in a deploy that swaps topics the version that handles it may get it at its next try.
      if (attempted.isForeign)
        return {
          kind: 'retry',
          failure: failureOf(`${attempted.type} is of a topic that is not read here`),
          exhausted: 'unhandled',
        }
      return attempted.deadLetter
        ? { kind: 'dead-letter', failure: failureOf(`no handler for ${attempted.type}`), disposition: 'unhandled' }
        : { kind: 'skip', reason: 'unhandled', detail: attempted.type }
    case 'threw':
      return classifyThrown(attempted.error)
  }
}

/** By code, since a handler's copy of this package may be another one than this process's. */
function classifyThrown(error: unknown): Outcome {
  const failure = failureOf(error)
  switch (codeOf(error)) {
    case 'E_SKIP':
      return { kind: 'skip', reason: 'requested', detail: failure.message }
    case 'E_DEAD_LETTER':
      return { kind: 'dead-letter', failure, disposition: 'rejected' }
    case 'E_RETRY_LATER':
      return isRetryLater(error) ? { kind: 'later', failure, at: error.at } : unexpected(error, failure)
    case 'E_UNKNOWN_SCHEMA_ID':
      return { kind: 'retry', failure, exhausted: 'undecodable' }
    default:
      return unexpected(error, failure)
  }
}

function unexpected(error: unknown, failure: Failure): Outcome {
  return { kind: 'retry', failure, exhausted: 'exhausted', thrown: { error } }
}

function isRetryLater(error: unknown): error is RetryLater {
  try {
    const at = (error as { at?: { afterMs?: unknown; timeMs?: unknown } }).at
    return Number.isFinite(at?.afterMs ?? at?.timeMs)
  } catch {
    return false
  }
}
