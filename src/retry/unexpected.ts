import type { Attempted } from '../consume/admission.ts'
import type { Failure } from '../topic/trail.ts'
import { classify } from './classify.ts'

/**
 * What a handler threw without meaning it; undefined for all else. DeadLetter, Skip and RetryLater are answers, and what cannot be
 * decoded never reached the handler, so neither tells of an outage.
 */
export function unexpected(attempted: Attempted): Failure | undefined {
  if (attempted.kind !== 'threw' || attempted.type === '') return undefined
  const outcome = classify(attempted)
  return outcome.kind === 'retry' ? outcome.failure : undefined
}
