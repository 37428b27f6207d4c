/** What a record itself says about when it may run, whatever lies before it. Pure. */
import type { Delivery } from '../consume/admission.ts'
import { headerNumber } from '../message/headers.ts'
import type { Ladder } from '../topic/ladder.ts'
import { dueAtHeader } from '../topic/trail.ts'

export type Due =
  | { readonly kind: 'now' }
  /** Held in memory until then. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Too far away: it goes to a tier, one hop of a longer wait. */
  | { readonly kind: 'hop'; readonly untilMs: number }

const now: Due = { kind: 'now' }

export function dueOf({ record, trail }: Delivery, ladder: Ladder, nowMs: number): Due {
  if (!trail) {
    if (record.hasHeader?.(dueAtHeader) === false) return now
    const untilMs = headerNumber(record.headers, dueAtHeader) ?? 0
    return untilMs > nowMs ? { kind: 'hop', untilMs } : now
  }
  if ((trail.dueAtMs ?? 0) > nowMs) return { kind: 'wait', untilMs: trail.dueAtMs! }
  const restMs = (trail.untilMs ?? 0) - nowMs
  if (restMs <= 0) return now
  // What is left is shorter than any tier: another hop would only make it late.
  return { kind: restMs < ladder.waits[0]!.delayMs ? 'wait' : 'hop', untilMs: trail.untilMs! }
}
