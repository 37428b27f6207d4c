/** The ladder of a group: its tiers, one retry delay and one topic each, and what lies at its ends. */
import { DefinitionError } from '../errors.ts'
import { type Duration, durationMs, formatDuration } from '../message/duration.ts'
import { checkGroupName, dlqTopic, immediateTopic, tierTopic } from './names.ts'

export interface Tier {
  readonly delayMs: number
  readonly topic: string
}

export interface Ladder {
  readonly group: string
  /** What a failing record climbs, from the shortest delay to the longest. Empty: a first failure goes straight to the DLQ. */
  readonly tiers: readonly Tier[]
  /** What a longer wait (a delayed job, RetryLater) hops through: the tiers, or the default ones where there are none. */
  readonly waits: readonly Tier[]
  /** `<group>.retry.0s`: no wait. */
  readonly immediate: Tier
  readonly dlq: string
}

export const defaultTiers: readonly Duration[] = ['1s', '5s', '30s', '5m']

/** Throws DefinitionError (E_DEFINITION) for an illegal name, a delay that is no duration or zero, or delays that do not grow. */
export function ladderOf(group: string, delays: readonly Duration[] = defaultTiers): Ladder {
  const tiers = delays.map(delay => durationMs(delay))
  for (const [i, delayMs] of tiers.entries()) {
    if (delayMs <= 0) throw new DefinitionError(`'${group}': a retry tier must wait longer than 0`)
    if (i > 0 && delayMs <= tiers[i - 1]!)
      throw new DefinitionError(
        `'${group}': each retry tier must wait longer than the one before, but ${delays[i]} follows ${delays[i - 1]}`,
      )
  }
  const names = tiers.map(delayMs => formatDuration(delayMs))
  checkGroupName(
    group,
    names.reduce((longest, name) => (name.length > longest.length ? name : longest), '0s' as Duration),
  )
  const own = tiers.map((delayMs, i) => ({ delayMs, topic: tierTopic(group, names[i]!) }))
  return Object.freeze({
    group,
    tiers: own,
    waits: own.length > 0 ? own : ladderOf(group, defaultTiers).tiers,
    immediate: { delayMs: 0, topic: immediateTopic(group) },
    dlq: dlqTopic(group),
  })
}

/** The tier after `attempt` tries have failed; undefined when the ladder is exhausted. */
export function tierAfter(ladder: Ladder, attempt: number): Tier | undefined {
  return ladder.tiers[attempt - 1]
}

/**
 * The tier for the next hop of a wait of any length: the longest that still fits, so that few hops are needed.
 * A rest shorter than every tier goes to the shortest, whose record says itself when it is due.
 */
export function tierWithin(ladder: Ladder, waitMs: number): Tier {
  return ladder.waits.findLast(tier => tier.delayMs <= waitMs) ?? ladder.waits[0]!
}
