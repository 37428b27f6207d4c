/** What all cases stand on: one broker and registry, the topics with the records that are read, and names that were never used. */
import { connect, consumer, type Duration, on } from 'spillway'
import { connectKafka } from '../src/broker/kafkajs/connect.ts'
import type { Admin, Broker } from '../src/broker/port.ts'
import { type LocalStack, startLocalStack } from '../src/dev/local.ts'
import { letterOf } from '../src/dlq/letter.ts'
import { connectRegistry } from '../src/schema/registry.ts'
import { subjectOf } from '../src/schema/subject.ts'
import { topicsOf } from '../src/topic/plan.ts'
import { Child } from './child.ts'
import type { Job } from './job.ts'
import { paced } from './paced.ts'
import type { PeerName } from './peers/peers.ts'
import { orderPlaced, partitions, payloads, type RawRecord, rawRecords } from './records.ts'

const failure = {
  class: 'TypeError',
  message: "Cannot read properties of undefined (reading 'city')",
  stack: `TypeError: Cannot read properties of undefined (reading 'city')\n${[12, 48, 103]
    .map(line => `    at priceOf (file:///app/dist/orders/pricing.js:${line}:27)`)
    .join('\n')}`,
  fingerprint: '3f2a9c0b1d2e',
}

function letterFrom(record: RawRecord, at: { topic: string; group: string; partition: number; offset: bigint }) {
  const { topic, group, partition, offset } = at
  const origin = { topic, partition, offset, timestampMs: 1_700_000_000_000 }
  const times = { firstFailedAtMs: 1_700_000_000_500, attempt: 5, hop: 4, redriveCount: 0 }
  const trail = { origin, group, ...times, disposition: 'exhausted', failure } as const
  return letterOf({ ...record, headers: Object.entries(record.headers) }, trail, `${group}.dlq`, partition)
}

export class Stand {
  readonly stack: LocalStack
  readonly broker: Broker
  readonly admin: Admin
  readonly schemaId: number
  readonly #close: () => Promise<void>
  #names = 0

  static async open(onProgress: (line: string) => void): Promise<Stand> {
    const stack = await startLocalStack({ env: process.env, onProgress })
    process.env.KAFKA_BROKERS = stack.brokers.join(',')
    process.env.SCHEMA_REGISTRY_URL = stack.registryUrl
    const kafka = connectKafka({ brokers: stack.brokers, clientId: 'bench' })
    const schemaId = await connectRegistry({ url: stack.registryUrl }).register('bench', orderPlaced('bench').schema)
    return new Stand(stack, kafka, schemaId, () => kafka.close().then(() => stack.stop()))
  }

  private constructor(stack: LocalStack, broker: Broker, schemaId: number, close: () => Promise<void>) {
    this.stack = stack
    this.broker = broker
    this.admin = broker.admin()
    this.schemaId = schemaId
    this.#close = close
  }

  close(): Promise<void> {
    return this.#close()
  }

  fresh(what: string): string {
    this.#names++
    return `bench-${what}-${process.pid}-${this.#names}`
  }

  /** An empty topic whose message is registered. */
  async topic(what: string): Promise<string> {
    const name = this.fresh(what)
    await this.admin.createTopics([{ name, partitions, replicationFactor: 1, config: {} }])
    const { schema, type, topic } = orderPlaced(name)
    await connectRegistry({ url: this.stack.registryUrl }).register(subjectOf(name, type, topic.subjects), schema)
    return name
  }

  /** A topic with so many records in it, of 5,000 entities or as many as are named. */
  async filledTopic(records: number, entities?: number): Promise<string> {
    const name = await this.topic(`read-${records}`)
    await this.fill(name, records, entities)
    return name
  }

  async fill(topic: string, records: number, entities?: number): Promise<void> {
    const client = await connect({ source: 'bench' })
    const publisher = client.publisher(orderPlaced(topic))
    const ring = payloads(entities)
    for (let from = 0; from < records; from += ring.length)
      await Promise.all(ring.slice(0, records - from).map(payload => publisher.publish(payload)))
    await client.close()
  }

  /** Publishes so many records a second, until it is told to stop. */
  async feed(topic: string, perSecond: number, source = 'bench'): Promise<() => Promise<void>> {
    const client = await connect({ source })
    const publisher = client.publisher(orderPlaced(topic))
    const ring = payloads()
    const feeding = paced(perSecond, index => void publisher.publish(ring[index % ring.length]!))
    return () => {
      feeding.stop()
      return client.close()
    }
  }

  /** A group of its own, with the tiers that a group of ours has by itself, or as named. */
  async group(topic: string, tiers?: readonly Duration[]): Promise<{ group: string; tierTopics: string[] }> {
    const group = this.fresh('group')
    const options = tiers ? { retry: { tiers } } : {}
    const topics = topicsOf({ messages: [], processors: [consumer(group, [on(orderPlaced(topic), () => {})], options)] })
    await this.admin.createTopics(topics.map(({ name, config }) => ({ name, partitions, replicationFactor: 1, config })))
    return { group, tierTopics: topics.filter(({ role }) => role === 'tier').map(({ name }) => name) }
  }

  /** A group with so many letters in its DLQ, as its ladder would have left them: some 1.2 KB each, more than half of it headers. */
  async redriven(letters: number): Promise<{ topic: string; group: string }> {
    const topic = await this.topic('redriven')
    const { group } = await this.group(topic)
    const kafka = connectKafka({ brokers: this.stack.brokers, clientId: 'bench' })
    const producer = kafka.producer()
    const ring = await rawRecords(this.schemaId)
    const each = Math.ceil(letters / partitions)
    const fill = async (partition: number): Promise<void> => {
      const letter = (i: number) => letterFrom(ring[i % ring.length]!, { topic, group, partition, offset: BigInt(i) })
      for (let from = 0; from < each; from += 500)
        await producer.sendBatch(
          `${group}.dlq`,
          partition,
          Array.from({ length: Math.min(500, each - from) }, (_, i) => letter(from + i)),
        )
    }
    await Promise.all(Array.from({ length: partitions }, (_, partition) => fill(partition)))
    await kafka.close()
    return { topic, group }
  }

  start(peer: PeerName, job: Pick<Job, 'case' | 'topic' | 'records'> & Partial<Job>): Child {
    const { stack, schemaId } = this
    const { brokers, registryUrl } = stack
    return new Child({ peer, brokers, registryUrl, schemaId, tierTopics: [], group: '', handlerMs: 0, ...job })
  }

  /** Resolves when the group has committed the end of a topic with so many records, or `gone` is aborted: a replay's group goes when it ends. */
  async committed(group: string, topic: string, records: number, gone?: AbortSignal): Promise<void> {
    while (!gone?.aborted) {
      const offsets = await this.admin.committed(group, [topic])
      const sum = offsets.reduce((total, { offset }) => total + Math.max(0, Number(offset)), 0)
      if (sum >= records) return
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
}
