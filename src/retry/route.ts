/** The next step of a message after a try: what the outcome, the ladder and the processor's own policy make of it. Pure. */
import type { Delivery } from '../consume/admission.ts'
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
  if (retry.onExhausted === 'block') return { kind: 'retry', failure, tier: ladder.waits.at(-1)!, blocked: true }
  return { kind: 'bury', failure, disposition: exhausted }
}

/** What the processor's own route says; undefined when it leaves it to the ladder. */
function routed(asked: Asked, failure: Failure): Step | undefined {
  const { outcome, retry, onBadRoute } = asked
  if (!retry.route || outcome.kind !== 'retry' || outcome.thrown === undefined) return undefined
  try {
    return stepOf(retry.route(outcome.thrown.error, asked.delivery.attempt), asked, failure)
  } catch (error) {
    onBadRoute(error)
    return undefined
  }
}

function stepOf(route: Route, asked: Asked, failure: Failure): Step | undefined {
  if (route === undefined) return undefined
  if (route === 'skip') return { kind: 'skip', reason: 'requested', detail: failure.message }
  if (route === 'dead-letter') return { kind: 'bury', failure, disposition: 'rejected' }
  if (isExpired(asked)) return { kind: 'bury', failure, disposition: 'expired' }
  const { ladder, nowMs } = asked
  const untilMs = timeOf(route, nowMs)
  const own = ladder.tiers.find(({ delayMs }) => delayMs === untilMs - nowMs)
  if (own) return { kind: 'retry', failure, tier: own, blocked: false }
  return { kind: 'retry', failure, tier: tierWithin(ladder, untilMs - nowMs), untilMs, blocked: false }
}

function timeOf(route: unknown, nowMs: number): number {
  if (route instanceof Date) {
    if (Number.isNaN(route.getTime())) throw new DefinitionError('route gave an invalid date')
    return route.getTime()
  }
  return nowMs + durationMs(String(route))
}

/** The first failure lies too far back. */
function isExpired({ delivery, retry, nowMs }: Asked): boolean {
  const { firstFailedAtMs } = delivery.trail ?? {}
  return firstFailedAtMs !== undefined && nowMs - firstFailedAtMs >= retry.expireAfterMs
}
