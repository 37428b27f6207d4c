/** What an operator does to a topic that Spillway itself never would. */
import { createRequire } from 'node:module'
import type * as KafkaJs from 'kafkajs'
import { inject, onTestFinished } from 'vitest'
import { library } from '../../src/broker/kafkajs/library.ts'
import type { Admin } from '../../src/broker/port.ts'
import { until } from '../until.ts'
import { patienceMs } from './harness.ts'

/** The records of its first partition below this offset. */
export async function deleteUpTo(topic: string, offset: number): Promise<void> {
  const admin = await kafkaJsAdmin()
  // It deletes only of topics that it knows, and learns of none by that.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
}

/** Deleted and created again, with one partition. */
export async function makeAnew(admin: Admin, topic: string): Promise<void> {
  await (await kafkaJsAdmin()).deleteTopics({ topics: [topic] })
  const isGone = async () => !(await admin.topicNames()).includes(topic)
  await until(isGone, { withinMs: patienceMs, what: 'the topic to be gone' })
  await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }])
}

async function kafkaJsAdmin(): Promise<KafkaJs.Admin> {
  library()
  const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof KafkaJs
  const admin = new Kafka({ brokers: [...inject('brokers')], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  return admin
}
