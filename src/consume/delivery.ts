import type { BrokerRecord, TopicPartition } from '../broker/port.ts'
import { readTrail, type Trail, trailHeadersOf } from '../topic/trail.ts'
import type { Delivery } from './admission.ts'
import { type RecordLimits, refusalOf, withTrailAllowance } from './guard.ts'

/** Makes deliveries of fetched records. The guards come first: of a record that is over one, no more is read than the trail of a copy. */
export function deliveries(sources: ReadonlySet<string>, limits: RecordLimits): (record: BrokerRecord) => Delivery {
  const tierLimits = withTrailAllowance(limits)
  return record => {
    const isSource = sources.has(record.topic)
    const refusal = refusalOf(record, isSource ? limits : tierLimits)
    const trail = isSource ? undefined : readTrail(refusal ? trailHeadersOf(record.headers) : record.headers)
    return { record, ...whence(record, trail), ...(refusal && { refusal }) }
  }
}

/** Field by field: an origin travels in signals and logs, where the record's payload has no business. */
function whence({ topic, partition, offset, timestampMs, unreadable }: BrokerRecord, trail: Trail | undefined) {
  if (trail) return { origin: trail.origin, trail, attempt: trail.attempt + 1 }
  return { origin: { topic, partition, offset: unreadable?.firstOffset ?? offset, timestampMs }, attempt: 1 }
}

/** An entity is a key of one source partition; without a key, the whole partition is one. */
export function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** As text: bytes are no keys of a Map. */
export function keyOf({ key }: BrokerRecord): string {
  return key === null ? 'no key' : `=${key.toString('latin1')}`
}
