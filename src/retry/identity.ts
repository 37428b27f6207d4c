/** Who a record is among the copies and followers of its entity. */
import type { Delivery } from '../consume/admission.ts'
import type { Trail } from '../topic/trail.ts'
import type { CopyState, Identity } from './order-index.ts'

/** Letters have an order of their own, one a redrive: nothing that was published since waits for them. */
export function identityOf({ record, origin, trail }: Delivery): Identity {
  const key = record.key === null ? '-' : `+${record.key.toString('latin1')}`
  return {
    entity: `${trail?.redriveId ?? ''}/${origin.topic}/${key}`,
    topic: origin.topic,
    number: origin.offset,
    // As a copy's trail has it: what a header cannot say, as -1 for none, is 0 there.
    timestampMs: Number.isSafeInteger(origin.timestampMs) && origin.timestampMs >= 0 ? origin.timestampMs : 0,
  }
}

export function copyStateOf({ hop, dueAtMs = 0, attempt, firstFailedAtMs, failure }: Trail): CopyState {
  return { hop, dueAtMs, attempt, firstFailedAtMs, fingerprint: failure?.fingerprint ?? '' }
}
