/** A group with letters, in memory. */
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, TransactionalProducer } from '../../src/broker/port.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import type { DlqSource } from '../../src/dlq/source.ts'
import type { Trail } from '../../src/topic/trail.ts'

export const group = 'spend'

export async function brokerWithTopics(partitions: number, tierPartitions = partitions): Promise<Broker> {
  const broker = memoryBroker()
  const topic = (name: string, count: number) => ({ name, partitions: count, replicationFactor: 1, config: {} })
  await broker
    .admin()
    .createTopics([topic(`${group}.dlq`, partitions), topic(`${group}.dlq.moved`, 1), topic(`${group}.retry.0s`, tierPartitions)])
  return broker
}

export function sourceOf(broker: Broker): DlqSource {
  return { reader: broker.reader(), admin: broker.admin(), group }
}

/** Not connected; the one whose id the group's DLQ has. */
export function producerOf(broker: Broker): TransactionalProducer {
  return broker.transactionalProducer(`${group}.redrive`)
}

/** `count` letters to a partition, with values `<partition>:<n>` counted over all calls by the caller's `from`. */
export async function bury(
  broker: Broker,
  partition: number,
  count: number,
  options: { from?: number; trail?: Partial<Trail> } = {},
) {
  const from = options.from ?? 0
  const letters = Array.from({ length: count }, (_, i) =>
    letterOf(
      {
        key: Buffer.from(`k${(from + i) % 3}`),
        value: Buffer.from(`${partition}:${from + i}`),
        headers: [
          ['ce_id', Buffer.from(`m${from + i}`)],
          ['odd', null],
          ['odd', Buffer.from([0xff])],
        ],
      },
      {
        origin: { topic: 'orders', partition, offset: BigInt(from + i), timestampMs: 1_700_000_000_000 },
        firstFailedAtMs: 1_700_000_000_500,
        group,
        attempt: 5,
        hop: 5,
        redriveCount: 0,
        disposition: 'exhausted',
        failure: { class: 'TypeError', message: 'x is undefined', stack: 'at f', fingerprint: 'abc123' },
        ...options.trail,
      } as Parameters<typeof letterOf>[1],
      `${group}.dlq`,
      partition,
    ),
  )
  const producer = broker.producer()
  // A request has a limit in bytes.
  for (let i = 0; i < count; i += 1_000) await producer.sendBatch(`${group}.dlq`, partition, letters.slice(i, i + 1_000))
}

/** A letter with this value. */
export async function buryValue(broker: Broker, partition: number, value: Buffer | null) {
  const origin = { topic: 'orders', partition, offset: 0n, timestampMs: 1_700_000_000_000 }
  const failure = { class: 'TypeError', message: 'x is undefined', stack: 'at f', fingerprint: 'abc123' }
  const trail = { origin, group, attempt: 5, hop: 5, redriveCount: 0, disposition: 'exhausted', failure } as const
  const letter = letterOf({ key: null, value, headers: [] }, trail, `${group}.dlq`, partition)
  await broker.producer().sendBatch(letter.topic, partition, [letter])
}

/** A record in the DLQ that nobody of ours wrote. */
export async function buryForeign(broker: Broker, partition: number) {
  const record = { topic: `${group}.dlq`, partition, key: null, value: Buffer.from('foreign'), headers: [] }
  await broker.producer().sendBatch(record.topic, partition, [record])
}

export async function valuesOf(broker: Broker, topic: string, partition: number): Promise<string[]> {
  const bounds = (await broker.admin().bounds(topic)).find(one => one.partition === partition)!
  const values: string[] = []
  await broker.reader().read({ topic, partition, from: bounds.low, to: bounds.high }, record => {
    values.push(String(record.value))
  })
  return values
}
