/** kafkajs 2.2.4 as it is installed: no value is decoded, every record is acknowledged and every offset committed by kafkajs itself. */
import { type EachBatchPayload, type IHeaders, Kafka, type KafkaMessage, logLevel, type Message, type Producer } from 'kafkajs'
import type { Job } from '../job.ts'
import { partitions, rawRecords } from '../records.ts'
import type { Peer, Redriving } from './peers.ts'

type Run = (message: KafkaMessage, partition: number) => unknown

export const peer: Peer = {
  async consume(job, handle) {
    const consumer = clientOf(job).consumer({ groupId: job.group })
    await consumer.connect()
    await consumer.subscribe({ topics: [job.topic, ...job.tierTopics], fromBeginning: true })
    const run: Run = (message, partition) => handle(() => String(message.headers?.ce_id), partition)
    await consumer.run({
      partitionsConsumedConcurrently: partitions,
      ...(job.peer === 'eachBatch'
        ? { eachBatch: payload => byKey(payload, run) }
        : {
            eachMessage: async ({ message, partition }) => {
              await run(message, partition)
            },
          }),
    })
    return { stop: () => consumer.disconnect() }
  },
  async produce(job) {
    const producer = clientOf(job).producer({ idempotent: job.peer === 'kafkajsIdempotent', allowAutoTopicCreation: false })
    await producer.connect()
    const ring = await rawRecords(job.schemaId)
    const { topic } = job
    const at = (index: number) => {
      const { key, value, headers } = ring[index % ring.length]!
      return { key, value, headers: headers as IHeaders }
    }
    return {
      send(index, id) {
        const record = at(index)
        const message = id === undefined ? record : { ...record, headers: { ...record.headers, ce_id: Buffer.from(id) } }
        return producer.send({ topic, messages: [message] })
      },
      sendBatch: (index, count) => producer.send({ topic, messages: Array.from({ length: count }, (_, i) => at(index + i)) }),
      close: () => producer.disconnect(),
    }
  },
  redrive: (job, onMoved) => (job.peer === 'kafkajsTransactions' ? inTransactions(job, onMoved) : sendAndCommit(job, onMoved)),
}

type Move = (topic: string, partition: number, messages: readonly KafkaMessage[], groupId: string) => Promise<void>

/** So many go into one request, below what a topic takes at once. */
const perRequest = 500

/** At least once: what was copied when it ends is copied again. */
async function sendAndCommit(job: Job, onMoved: (letters: number) => void): Promise<Redriving> {
  const kafka = clientOf(job)
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const move: Move = async (topic, partition, messages) => {
    for (const some of slices(messages, perRequest)) await producer.send({ topic, messages: copiesOf(some, partition) })
  }
  return movedBatches(kafka, job, producer, move, onMoved)
}

/** As its documentation has it, with its own settings. */
async function inTransactions(job: Job, onMoved: (letters: number) => void): Promise<Redriving> {
  const kafka = clientOf(job)
  const settings = { transactionalId: `${job.group}.by-hand`, maxInFlightRequests: 1, idempotent: true }
  const producer = kafka.producer({ ...settings, allowAutoTopicCreation: false })
  await producer.connect()
  const move: Move = async (topic, partition, messages, consumerGroupId) => {
    const transaction = await producer.transaction()
    for (const some of slices(messages, perRequest)) await transaction.send({ topic, messages: copiesOf(some, partition) })
    const offset = String(BigInt(messages.at(-1)!.offset) + 1n)
    await transaction.sendOffsets({ consumerGroupId, topics: [{ topic: dlqOf(job), partitions: [{ partition, offset }] }] })
    await transaction.commit()
  }
  return movedBatches(kafka, job, producer, move, onMoved)
}

async function movedBatches(
  kafka: Kafka,
  job: Job,
  producer: Producer,
  move: Move,
  onMoved: (letters: number) => void,
): Promise<Redriving> {
  const groupId = `${job.group}.${job.peer}`
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [dlqOf(job)], fromBeginning: true })
  await consumer.run({
    eachBatchAutoResolve: false,
    autoCommit: job.peer !== 'kafkajsTransactions',
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
      for (const some of slices(batch.messages, 2_000)) {
        await move(`${job.group}.retry.0s`, batch.partition, some, groupId)
        resolveOffset(some.at(-1)!.offset)
        if (job.peer !== 'kafkajsTransactions') await commitOffsetsIfNecessary()
        onMoved(some.length)
        await heartbeat()
      }
    },
  })
  return { stop: () => Promise.all([consumer.disconnect(), producer.disconnect()]).then(() => {}) }
}

function dlqOf({ group }: Job): string {
  return `${group}.dlq`
}

function copiesOf(messages: readonly KafkaMessage[], partition: number): Message[] {
  return messages.map(({ key, value, headers }) => ({ key, value, partition, ...(headers && { headers }) }))
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}

function clientOf(job: Job): Kafka {
  return new Kafka({ brokers: [...job.brokers], clientId: 'bench', logLevel: logLevel.NOTHING })
}

/** What one writes by hand: the keys of a batch beside each other, each in order, and the batch held open until the last is done. */
async function byKey({ batch, heartbeat }: EachBatchPayload, run: Run): Promise<void> {
  const lanes = Map.groupBy(batch.messages, message => message.key?.toString('latin1'))
  await Promise.all(
    Array.from(lanes.values(), async messages => {
      for (const message of messages) {
        const result = run(message, batch.partition)
        if (result instanceof Promise) await result
      }
    }),
  )
  await heartbeat()
}
