/** A try of a record, and further ones while it fails for what is nobody's fault. */

import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Attempted, Delivery } from './admission.ts'
import type { Attempt, AttemptScope } from './attempt.ts'
import type { Clock } from './clock.ts'
import type { Hold } from './hold.ts'
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
  readonly hold: Hold
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
    return this.#attempt(tracked)
  }

  #attempt(tracked: Tracked): Promise<Attempted> {
    tracked.attemptSinceMs = this.#options.clock.now()
    this.#options.hold.began(tracked)
    return this.#options.attempt(tracked.delivery, this.#scope)
  }

  /** One more try, as `next`, once `due` resolves. */
  async again(tracked: Tracked, next: Delivery, due: Promise<void>): Promise<Attempted> {
    await due
    tracked.delivery = next
    return this.#options.hold.mayRun(tracked) ? this.ended(tracked, await this.begin(tracked)) : this.#held(tracked)
  }

  /** Throws AssignmentLost when the result is of no use any more. An outage is waited out, and no attempt is used up. */
  ended(tracked: Tracked, attempted: Attempted): Attempted | Promise<Attempted> {
    const beganMs = this.#end(tracked)
    const { limits, hold } = this.#options
    if (isWaitedOut(attempted, limits.handlerOutageMs > 0)) return this.#afterOutage(tracked, attempted.error)
    return hold.allows(tracked, attempted, beganMs) ? attempted : this.#held(tracked)
  }

  /** When it began. */
  #end(tracked: Tracked): number {
    const beganMs = tracked.attemptSinceMs
    tracked.attemptSinceMs = 0
    if (this.#scope.isOver) throw new AssignmentLost('the assignment was lost while the handler ran')
    return beganMs
  }

  /** Until the record itself has an answer. */
  async #afterOutage(tracked: Tracked, error: unknown): Promise<Attempted> {
    const { clock, limits, patiently, hold } = this.#options
    const handlerUntilMs = clock.now() + limits.handlerOutageMs
    hold.setAside(tracked)
    let beganMs = 0
    const attempted = await patiently(error, tracked, async () => {
      // Nothing starts while the breaker is open.
      if (hold.isOpen) throw error
      const again = await this.#attempt(tracked)
      beganMs = this.#end(tracked)
      if (isWaitedOut(again, clock.now() < handlerUntilMs)) throw again.error
      return again
    })
    return hold.allows(tracked, attempted, beganMs) ? attempted : this.#held(tracked)
  }

  /** In its lane until the breaker closes, or picks it to find out whether it may. */
  async #held(tracked: Tracked): Promise<Attempted> {
    const { hold } = this.#options
    // It may have opened anew before there was a place for this one.
    do await hold.turn(tracked)
    while (!hold.mayRun(tracked))
    return this.ended(tracked, await this.#attempt(tracked))
  }

  #tellStarted({ delivery: { record, trail }, wasKept }: Tracked): void {
    const dueAtMs = trail?.untilMs ?? trail?.dueAtMs
    if (dueAtMs === undefined || wasKept) return
    const { group, signals, clock } = this.#options
    signals.emit('retry.started', { group, tier: record.topic, lateMs: clock.now() - dueAtMs })
  }
}
