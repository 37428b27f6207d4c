/** What the contract's tests stand on: topics and records of their own, everything closed when the test ends. */
import { onTestFinished } from 'vitest'
import type { Admin, BatchProducer, Broker, BrokerRecord, OutgoingRecord, Reader } from '../../src/broker/port.ts'
import { unique } from '../unique.ts'

/** The port as each test gets it: the connection exists only once the tests run. */
export type BrokerOf = () => Broker

export function adminOf(broker: Broker): Admin {
  const admin = broker.admin()
  onTestFinished(() => admin.close())
  return admin
}

export function producerOf(broker: Broker): BatchProducer {
  const producer = broker.producer()
  onTestFinished(() => producer.close())
  return producer
}

export function readerOf(broker: Broker): Reader {
  const reader = broker.reader()
  onTestFinished(() => reader.close())
  return reader
}

/** A new topic. */
export async function topicOf(
  broker: Broker,
  options: { partitions?: number; config?: Record<string, string> } = {},
): Promise<string> {
  const name = unique('contract')
  await adminOf(broker).createTopics([
    { name, partitions: options.partitions ?? 1, replicationFactor: 1, config: options.config ?? {} },
  ])
  return name
}

export function record(
  topic: string,
  partition: number,
  value: string | null,
  rest: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  return { topic, partition, key: null, value: value === null ? null : Buffer.from(value), headers: [], ...rest }
}

/** Writes one record for each value. */
export async function write(broker: Broker, topic: string, partition: number, values: readonly string[]): Promise<void> {
  await producerOf(broker).sendBatch(
    topic,
    partition,
    values.map(value => record(topic, partition, value)),
  )
}

/** Everything that a partition holds. */
export async function readAll(broker: Broker, topic: string, partition = 0): Promise<BrokerRecord[]> {
  const bounds = await adminOf(broker).bounds(topic)
  const { low, high } = bounds.find(bound => bound.partition === partition)!
  const records: BrokerRecord[] = []
  await readerOf(broker).read({ topic, partition, from: low, to: high }, found => void records.push(found))
  return records
}

export function text(records: readonly BrokerRecord[]): (string | undefined)[] {
  return records.map(found => found.value?.toString())
}

/** The numbers from 0 as text, prefixed. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}
