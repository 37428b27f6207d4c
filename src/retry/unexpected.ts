import type { Attempted } from '../consume/admission.ts'
import type { RetryPolicy } from '../consume/retry-policy.ts'
import type { Failure } from '../topic/trail.ts'
import { classify } from './classify.ts'
import { answerOf } from './route.ts'

/**
 * What a handler threw without meaning it; undefined for all else. DeadLetter, Skip and RetryLater are answers, and so is the end that
 * a route gives to an error. What cannot be decoded never reached the handler. None of them tells of an outage.
 */
export function unexpectedBy({
  route,
}: Pick<RetryPolicy, 'route'>): (attempted: Attempted, attempt: number) => Failure | undefined {
  return (attempted, attempt) => {
    if (attempted.kind !== 'threw' || attempted.type === '') return undefined
    const outcome = classify(attempted)
    if (outcome.kind !== 'retry') return undefined
    return outcome.thrown && route && endsBy(route, attempted, outcome.thrown.error, attempt) ? undefined : outcome.failure
  }
}

function endsBy(route: NonNullable<RetryPolicy['route']>, attempted: Attempted, error: unknown, attempt: number): boolean {
  try {
    const answer = answerOf(route, attempted, error, attempt)
    return answer === 'dead-letter' || answer === 'skip'
  } catch {
    return false // It is told when the failure is settled.
  }
}
