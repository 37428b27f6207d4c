/** kafkajs 2.2.4 as it is installed: no value is decoded, every record is acknowledged and every offset committed by kafkajs itself. */
import { type EachBatchPayload, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import type { Job } from '../job.ts'
import { partitions, rawRecords } from '../records.ts'
import type { Peer } from './peers.ts'

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
