/** Records as a transactional producer writes them: behind them in the partition stands a marker, which takes an offset and is no record. */
import { createRequire } from 'node:module'
import type * as KafkaJs from 'kafkajs'
import { inject } from 'vitest'
import { library } from '../../src/broker/kafkajs/library.ts'
import { unique } from '../unique.ts'

export async function inTransaction(
  topic: string,
  messages: readonly { readonly key: string; readonly value: Buffer; readonly partition: number }[],
  end: 'commit' | 'abort',
): Promise<void> {
  library()
  const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof KafkaJs
  const kafka = new Kafka({ brokers: [...inject('brokers')], clientId: unique('transaction'), logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ transactionalId: unique('transaction'), maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [...messages] })
    await transaction[end]()
  } finally {
    await producer.disconnect()
  }
}
