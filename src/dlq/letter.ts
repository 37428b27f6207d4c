import { EncodedCopy } from '../broker/encoded-copy.ts'
import type { BrokerRecord, OutgoingRecord } from '../broker/port.ts'
import type { ForeignFamily } from '../topic/foreign-trail.ts'
import { type Disposition, type Trail, trailed, withoutTrail } from '../topic/trail.ts'

/** A dead letter, addressed by the DLQ's partition and offset. May be made when it is asked for: `{ ...letter }` may lack a part. */
export interface Letter {
  readonly partition: number
  readonly offset: bigint
  readonly record: BrokerRecord
  /** Missing when the headers do not say where the record came from: it is not of the kind that its DLQ should hold, or was damaged. */
  readonly trail: Trail | undefined
  /** Of a letter in a foreign DLQ: whose headers it has. */
  readonly family?: ForeignFamily | undefined
}

/** Not one whose value was left out, or that stands for a batch. */
export function isTombstone({ record, trail }: Letter): boolean {
  return (
    record.value === null &&
    record.unreadable === undefined &&
    trail?.leftOut === undefined &&
    trail?.batchLastOffset === undefined
  )
}

/** What of a record a dead letter keeps byte for byte. */
export type LetterSource = Pick<BrokerRecord, 'key' | 'value' | 'headers' | 'encodedHeaders' | 'compressed'>

/** The trail of a dead letter always says why it is one. */
export type LetterTrail = Trail & { readonly disposition: Disposition }

/**
 * The copy that becomes a dead letter: key, value and the record's own headers untouched and in order, then the trail.
 * `partition` is the record's own number: a DLQ has as many partitions as the largest source, so an entity's letters stay in order.
 * It carries the time of sending, so that the DLQ's retention counts from the failure, and is compressed if the record was.
 */
export function letterOf(record: LetterSource, trail: LetterTrail, dlqTopic: string, partition: number): OutgoingRecord {
  return new EncodedCopy(record, { topic: dlqTopic, partition }, trailed(record, trail))
}

export interface ShorterLetter {
  readonly record: LetterSource
  readonly leftOut: string
}

/**
 * What may be buried instead of a record that is too large for the DLQ, ever less of it: the larger of value and headers is left
 * out first, the key last. The record itself lies at its origin for as long as that keeps it.
 */
export function shorterLetters({ key, value, headers }: LetterSource): ShorterLetter[] {
  const own = withoutTrail(headers)
  const headerBytes = own.reduce((sum, [name, bytes]) => sum + Buffer.byteLength(name) + (bytes?.length ?? 0), 0)
  const withoutValue = { record: { key, value: null, headers: own }, leftOut: `value of ${value?.length ?? 0} bytes` }
  const noHeaders = `${own.length} headers of ${headerBytes} bytes`
  const withoutHeaders = { record: { key, value, headers: [] }, leftOut: noHeaders }
  const withoutBoth = { record: { key, value: null, headers: [] }, leftOut: `${withoutValue.leftOut}; ${noHeaders}` }
  const bare = {
    record: { key: null, value: null, headers: [] },
    leftOut: `${withoutBoth.leftOut}; key of ${key?.length ?? 0} bytes`,
  }
  return [headerBytes > (value?.length ?? 0) ? withoutHeaders : withoutValue, withoutBoth, bare]
}
