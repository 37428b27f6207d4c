import type { Message, RecordMetadata } from 'kafkajs'
import { BrokerUnavailable } from '../../errors.ts'
import type { OutgoingRecord } from '../port.ts'

/** The partition is chosen already; `nowMs` is the timestamp of a record that brings none. Our encoder takes all as it is (encoded-record.ts). */
export function toMessage(record: OutgoingRecord, nowMs: number): Message {
  return {
    partition: record.partition,
    key: record.key,
    value: record.value,
    timestamp: (record.timestampMs ?? nowMs) as unknown as string,
    headers: (record.encodedHeaders ?? record.headers) as unknown as NonNullable<Message['headers']>,
  }
}

/**
 * The offset of the first of the records, all sent to one partition in one request. Throws BrokerUnavailable unless the answer says
 * that this partition, and no other, was written: when a leader moves during a send, kafkajs may resolve without having written anything.
 */
export function baseOffset(written: readonly RecordMetadata[], partition: number): bigint {
  const [only] = written
  if (
    written.length !== 1 ||
    only === undefined ||
    only.partition !== partition ||
    only.errorCode ||
    only.baseOffset === undefined
  ) {
    throw new BrokerUnavailable(`The answer does not say that partition ${partition} was written: ${JSON.stringify(written)}`)
  }
  return BigInt(only.baseOffset)
}
