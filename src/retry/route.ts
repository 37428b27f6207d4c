/** The next step of a message after a try: what the outcome, the ladder and the processor's own policy make of it. Pure. */
import type { Attempted, Delivery } from '../consume/admission.ts'
import type { RetryPolicy, Route } from '../consume/retry-policy.ts'
import { DefinitionError } from '../errors.ts'
import { durationMs } from '../message/duration.ts'
import { type Ladder, type Tier, tierAfter, tierWithin } from '../topic/ladder.ts'
import type { Disposition, Failure } from '../topic/trail.ts'
import type { Outcome } from './classify.ts'

export type Step =
  | Extract<Outcome, { readonly kind: 'done' | 'skip' }>
  | { readonly kind: 'bury'; readonly failure: Failure; readonly disposition: Disposition }
  /** The try counts. `untilMs`: the tier is the first hop of a longer wait. */
  | {
      readonly kind: 'retry'
      readonly failure: Failure
      readonly tier: Tier
      readonly untilMs?: number
      /** The ladder is exhausted, and its entity waits for it all the same. */
      readonly blocked: boolean
    }
  /** The try does not count. */
  | { readonly kind: 'later'; readonly failure: Failure; readonly untilMs: number }

export interface Asked {
  readonly attempted: Attempted
  readonly outcome: Outcome
  readonly delivery: Delivery
  readonly ladder: Ladder
  readonly retry: RetryPolicy
  readonly nowMs: number
  /** The processor's `route` threw or answered nonsense; the next tier is taken. */
  readonly onBadRoute: (error: unknown) => void
}

export function stepAfter(asked: Asked): Step {
  const { outcome, nowMs } = asked
  switch (outcome.kind) {
    case 'done':
    case 'skip':
      return outcome
    case 'dead-letter':
      return { ...outcome, kind: 'bury' }
    case 'later': {
      const { at, failure } = outcome
      if (isExpired(asked)) return { kind: 'bury', failure, disposition: 'expired' }
      return { kind: 'later', failure, untilMs: 'timeMs' in at ? at.timeMs : nowMs + at.afterMs }
    }
    case 'retry':
      return routed(asked, outcome.failure) ?? climbed(asked, outcome)
  }
}

function climbed(asked: Asked, { failure, exhausted }: Extract<Outcome, { kind: 'retry' }>): Step {
  const { ladder, retry, delivery } = asked
  if (isExpired(asked)) return { kind: 'bury', failure, disposition: 'expired' }
  const tier = tierAfter(ladder, delivery.attempt)
  if (tier) return { kind: 'retry', failure, tier, blocked: false }
  // Only what a handler can still end: what cannot be decoded or handled would wait for ever.
  if (retry.onExhausted === 'block' && exhausted === 'exhausted')
    return { kind: 'retry', failure, tier: ladder.waits.at(-1)!, blocked: true }
  return { kind: 'bury', failure, disposition: exhausted }
}

/** What the processor's own route says; undefined when it leaves it to the ladder. */
function routed(asked: Asked, failure: Failure): Step | undefined {
  const { outcome, retry, onBadRoute } = asked
  if (!retry.route || outcome.kind !== 'retry' || outcome.thrown === undefined) return undefined
  try {
    return stepOf(answerOf(retry.route, asked.attempted, outcome.thrown.error, asked.delivery.attempt), asked, failure)
  } catch (error) {
    onBadRoute(error)
    return undefined
  }
}

const answers = new WeakMap<Attempted, () => Route>()

/** What the route says of an attempt. It is asked once, whoever wants to know: it may count, or look at the clock. Throws what it throws. */
export function answerOf(route: NonNullable<RetryPolicy['route']>, attempted: Attempted, error: unknown, attempt: number): Route {
  let answer = answers.get(attempted)
  if (!answer) {
    try {
      const given = route(error, attempt)
      answer = () => given
    } catch (thrown) {
      answer = () => {
        throw thrown
      }
    }
    answers.set(attempted, answer)
  }
  return answer()
}

function stepOf(route: Route, asked: Asked, failure: Failure): Step | undefined {
  if (route === undefined) return undefined
  if (route === 'skip') return { kind: 'skip', reason: 'requested', detail: failure.message }
  if (route === 'dead-letter') return { kind: 'bury', failure, disposition: 'rejected' }
  if (isExpired(asked)) return { kind: 'bury', failure, disposition: 'expired' }
  const { ladder, nowMs } = asked
  const untilMs = Math.max(timeOf(route, nowMs), nowMs + leastWaitMs)
  const own = ladder.tiers.find(({ delayMs }) => delayMs === untilMs - nowMs)
  if (own) return { kind: 'retry', failure, tier: own, blocked: false }
  return { kind: 'retry', failure, tier: tierWithin(ladder, untilMs - nowMs), untilMs, blocked: false }
}

/** A route of no time at all would try for ever without a pause. */
const leastWaitMs = 10

function timeOf(route: unknown, nowMs: number): number {
  if (typeof route === 'object' && route !== null && 'then' in route) {
    // Nobody else would hear of its rejection.
    void Promise.resolve(route).catch(() => {})
    throw new DefinitionError('route gave a promise: it has to answer at once')
  }
  if (route instanceof Date) {
    if (Number.isNaN(route.getTime())) throw new DefinitionError('route gave an invalid date')
    return route.getTime()
  }
  return nowMs + durationMs(String(route))
}

/** The first failure lies too far back. */
function isExpired({ delivery, retry, nowMs }: Asked): boolean {
  const { firstFailedAtMs, redriveId } = delivery.trail ?? {}
  // A letter's first failure was in an earlier life.
  return firstFailedAtMs !== undefined && redriveId === undefined && nowMs - firstFailedAtMs >= retry.expireAfterMs
}
