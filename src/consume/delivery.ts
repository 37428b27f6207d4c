import type { BrokerRecord, TopicPartition } from '../broker/port.ts'
import type { RecordRefused } from '../errors.ts'
import type { Origin } from '../message/envelope.ts'
import { trailOf } from '../topic/trail.ts'
import type { Delivery } from './admission.ts'
import { type RecordLimits, refusalOf, withTrailAllowance } from './guard.ts'
import { laneName } from './lanes.ts'

/** Makes deliveries of fetched records. The guards come first: of a copy that is over one, no more is read than its trail. */
export function deliveries(sources: ReadonlySet<string>, limits: RecordLimits): (record: BrokerRecord) => Delivery {
  const tierLimits = withTrailAllowance(limits)
  return record => {
    const isSource = sources.has(record.topic)
    const refusal = refusalOf(record, isSource ? limits : tierLimits)
    if (isSource && !refusal) return { record, origin: originOf(record), attempt: 1 }
    return copyOrRefused(record, isSource, refusal)
  }
}

function copyOrRefused(record: BrokerRecord, isSource: boolean, refusal: RecordRefused | undefined): Delivery {
  const trail = isSource ? undefined : trailOf(record)
  const delivery: Delivery = trail
    ? { record, origin: trail.origin, trail, attempt: trail.attempt + 1 }
    : { record, origin: originOf(record), attempt: 1 }
  return refusal ? { ...delivery, refusal } : delivery
}

/** Field by field: an origin travels in signals and logs, where the record's payload has no business. */
function originOf({ topic, partition, offset, timestampMs, unreadable }: BrokerRecord): Origin {
  return { topic, partition, offset: unreadable?.firstOffset ?? offset, timestampMs }
}

/** An entity is a key of one source partition; without a key, the whole partition is one. */
export function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** Names the entity of a record, by the name of its lane: a copy belongs to the entity of its original. For maps, never for a log. */
export function entityOf({ record, origin, trail }: Delivery): string {
  const place = placeOf(trail ? origin : record)
  return record.key === null ? laneName(`${place} without a key`, '') : laneName(place, record.key.toString('latin1'))
}
