/** How a handler answers other than by returning: it throws one of these. Anything else that is thrown is a failure and is retried. */
import { SpillwayError } from '../errors.ts'
import { type Duration, durationMs } from '../message/duration.ts'

/** "Not now": tried again after this delay or at this time, of any length, without using up an attempt. */
export class RetryLater extends SpillwayError {
  readonly at: { readonly afterMs: number } | { readonly timeMs: number }

  /** Throws DefinitionError (E_DEFINITION) for what is neither a duration nor a valid date. */
  constructor(when: Duration | Date, reason = 'the handler asked to be tried again later') {
    super('E_RETRY_LATER', reason, { retryable: true })
    this.at =
      when instanceof Date && !Number.isNaN(when.getTime()) ? { timeMs: when.getTime() } : { afterMs: durationMs(String(when)) }
  }
}

/** "Never": straight to the dead letters, with this reason. */
export class DeadLetter extends SpillwayError {
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super('E_DEAD_LETTER', reason, options)
  }
}

/** "Not needed": finished without an effect, and counted as skipped. */
export class Skip extends SpillwayError {
  constructor(reason = 'the handler skipped it') {
    super('E_SKIP', reason)
  }
}
