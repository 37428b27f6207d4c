/** What was thrown, as the trail and the log have it. */
import { describeThrown } from '../thrown.ts'
import type { Failure } from '../topic/trail.ts'
import { fingerprintOf } from './fingerprint.ts'

export function failureOf(thrown: unknown): Failure {
  const { name, message, stack } = describeThrown(thrown)
  return { class: name, message, stack, fingerprint: fingerprintOf(name, message || messageOfFirst(thrown), stack) }
}

/** Of an AggregateError, which often says nothing itself: connecting to several addresses fails with an empty message. */
function messageOfFirst(thrown: unknown): string {
  try {
    const first = (thrown as { errors?: readonly unknown[] } | null | undefined)?.errors?.[0]
    return first === undefined ? '' : describeThrown(first).message
  } catch {
    return ''
  }
}
