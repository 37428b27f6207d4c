import type { BrokerRecord, OutgoingRecord } from '../broker/port.ts'
import { type Disposition, type Trail, withTrail } from '../topic/trail.ts'

/** What of a record a dead letter keeps byte for byte. */
export type LetterSource = Pick<BrokerRecord, 'key' | 'value' | 'headers'>

/** The trail of a dead letter always says why it is one. */
export type LetterTrail = Trail & { readonly disposition: Disposition }

/**
 * The copy that becomes a dead letter: key, value and the record's own headers untouched and in order, then the trail.
 * `partition` is the record's own number: a DLQ has as many partitions as the largest source, so an entity's letters stay in order.
 * It carries the time of sending, so that the DLQ's retention counts from the failure.
 */
export function letterOf(record: LetterSource, trail: LetterTrail, dlqTopic: string, partition: number): OutgoingRecord {
  return { topic: dlqTopic, partition, key: record.key, value: record.value, headers: withTrail(record.headers, trail) }
}
