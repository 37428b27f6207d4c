import type { OutgoingRecord } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { type Trail, withTrail } from '../topic/trail.ts'

/** Why a letter cannot go back: it has no readable trail, or what it is about was too large for the DLQ, or not readable, and lies only at the source. */
export type StaysBecause = 'no-trail' | 'oversize'

/** undefined when the letter can be redriven. */
export function staysBecause(letter: Letter): StaysBecause | undefined {
  // Without an origin a copy would have no identity in the retry tier, and its group could not tell it from garbage.
  if (!letter.trail) return 'no-trail'
  const { disposition, leftOut, batchLastOffset } = letter.trail
  return disposition === 'oversize' || leftOut !== undefined || batchLastOffset !== undefined ? 'oversize' : undefined
}

/**
 * The copy of a letter for `target`, in the partition of the same number: key, value and the record's own headers untouched.
 * The trail keeps origin and failure; attempts start again, and it is no letter any more. The letter must have a trail.
 */
export function redriven(letter: Letter & { trail: Trail }, group: string, runId: string, target: string): OutgoingRecord {
  const { disposition: _letter, dueAtMs: _due, untilMs: _until, ...kept } = letter.trail
  const trail: Trail = {
    ...kept,
    group,
    attempt: 0,
    hop: letter.trail.hop + 1,
    redriveId: runId,
    redriveCount: letter.trail.redriveCount + 1,
  }
  const { key, value, headers, compressed } = letter.record
  return { topic: target, partition: letter.partition, key, value, headers: withTrail(headers, trail), compressed }
}
