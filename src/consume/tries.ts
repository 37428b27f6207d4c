/** A try of a record, and further ones while it fails for what is nobody's fault. */

import { AssignmentLost } from '../errors.ts'
import type { Signals } from '../observe/signals.ts'
import type { Attempted, Delivery } from './admission.ts'
import type { Attempt, AttemptScope } from './attempt.ts'
import type { Clock } from './clock.ts'
import type { Hold } from './hold.ts'
import type { SessionLimits } from './limits.ts'
import { isWaitedOut, outage } from './outage.ts'
import type { Tracked } from './partition.ts'

export interface TriesOptions {
  readonly group: string
  readonly attempt: Attempt
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly signals: Signals
  /** Waits, after an error, until the work resolves. */
  readonly patiently: <T>(error: unknown, tracked: Tracked, work: () => Promise<T>) => Promise<T>
  /** While the work goes on, the place of the one that waits for it is another's. */
  readonly aside: <T>(work: Promise<T>) => Promise<T>
  readonly hold: Hold
}

export class Tries {
  readonly #options: TriesOptions
  readonly #scope: AttemptScope

  constructor(scope: AttemptScope, options: TriesOptions) {
    this.#scope = scope
    this.#options = options
  }

  /**
   * Waits for what a try needs first, the writer's schema; undefined when there is nothing to wait for. Then it goes `again`. A slow
   * registry takes no handler's place so, and what waited for it runs within `concurrency` like all else.
   */
  preparing(tracked: Tracked): Promise<void> | undefined {
    const { attempt, clock, aside } = this.#options
    const asked = tracked.delivery.refusal ? undefined : attempt.preparing?.(tracked.delivery)
    if (!asked) return undefined
    tracked.attemptSinceMs = clock.now()
    return aside(this.#prepared(tracked, asked))
  }

  async #prepared(tracked: Tracked, asked: Promise<unknown>): Promise<void> {
    const { attempt, patiently, hold } = this.#options
    try {
      await asked
    } catch (error) {
      if (outage(error) === undefined) return
      tracked.attemptSinceMs = 0
      hold.setAside(tracked)
      await patiently(error, tracked, async () => {
        await attempt.preparing?.(tracked.delivery)?.catch(next => {
          if (outage(next) !== undefined) throw next
        })
      })
    }
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
    const { clock, limits, patiently, aside, hold } = this.#options
    const handlerUntilMs = clock.now() + limits.handlerOutageMs
    hold.setAside(tracked)
    let beganMs = 0
    const outlasted = patiently(error, tracked, async () => {
      // Nothing starts while the breaker is open.
      if (hold.isOpen) throw error
      const again = await this.#attempt(tracked)
      beganMs = this.#end(tracked)
      if (isWaitedOut(again, clock.now() < handlerUntilMs)) throw again.error
      return again
    })
    const attempted = await aside(outlasted)
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
