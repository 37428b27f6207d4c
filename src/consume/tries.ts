/** A try of a record, and further ones while it fails for what is nobody's fault. */

import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Attempted } from './admission.ts'
import type { Attempt, AttemptScope } from './attempt.ts'
import type { Clock } from './clock.ts'
import type { SessionLimits } from './limits.ts'
import { isWaitedOut } from './outage.ts'
import type { Tracked } from './partition.ts'

export interface TriesOptions {
  readonly group: string
  readonly attempt: Attempt
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly signals: Signals
  /** Waits, after an error, until the work resolves. */
  readonly patiently: (error: unknown, tracked: Tracked, work: () => Promise<Attempted>) => Promise<Attempted>
}

export class Tries {
  readonly #options: TriesOptions
  readonly #scope: AttemptScope

  constructor(scope: AttemptScope, options: TriesOptions) {
    this.#scope = scope
    this.#options = options
  }

  /** Call `ended` with what it resolves with. */
  begin(tracked: Tracked): Promise<Attempted> {
    const { delivery } = tracked
    if (delivery.refusal) return Promise.resolve({ kind: 'refused', error: delivery.refusal })
    if (delivery.trail) this.#tellStarted(tracked)
    tracked.attemptSinceMs = this.#options.clock.now()
    return this.#options.attempt(delivery, this.#scope)
  }

  /** Throws AssignmentLost when the result is of no use any more. An outage is waited out, and no attempt is used up. */
  ended(tracked: Tracked, attempted: Attempted): Attempted | Promise<Attempted> {
    this.#end(tracked)
    const { limits } = this.#options
    return isWaitedOut(attempted, limits.handlerOutageMs > 0) ? this.#afterOutage(tracked, attempted.error) : attempted
  }

  #end(tracked: Tracked): void {
    tracked.attemptSinceMs = 0
    if (this.#scope.isOver) throw new AssignmentLost('the assignment was lost while the handler ran')
  }

  /** Until the record itself has an answer. */
  #afterOutage(tracked: Tracked, error: unknown): Promise<Attempted> {
    const { clock, limits, patiently } = this.#options
    const handlerUntilMs = clock.now() + limits.handlerOutageMs
    return patiently(error, tracked, async () => {
      const attempted = await this.begin(tracked)
      this.#end(tracked)
      if (isWaitedOut(attempted, clock.now() < handlerUntilMs)) throw attempted.error
      return attempted
    })
  }

  #tellStarted({ delivery: { record, trail }, wasKept }: Tracked): void {
    const dueAtMs = trail?.untilMs ?? trail?.dueAtMs
    if (dueAtMs === undefined || wasKept) return
    const { group, signals, clock } = this.#options
    signals.emit('retry.started', { group, tier: record.topic, lateMs: clock.now() - dueAtMs })
  }
}
