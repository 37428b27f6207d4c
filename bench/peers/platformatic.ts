/** @platformatic/kafka as it is installed: bytes in, bytes out, one record after the other, commits by itself. */
import { Consumer, type Message, Producer } from '@platformatic/kafka'
import type { Job } from '../job.ts'
import { rawRecords } from '../records.ts'
import type { Handle, Peer } from './peers.ts'

type Bytes = Message<Buffer, Buffer, Buffer, Buffer>

const ceId = Buffer.from('ce_id')

export const peer: Peer = {
  async consume(job, handle) {
    const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({ ...clientOptions(job), groupId: job.group })
    const stream = await consumer.consume({
      topics: [job.topic, ...job.tierTopics],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: 200,
    })
    void drain(stream, handle)
    return {
      async stop() {
        await stream.close()
        await consumer.close()
      },
    }
  },
  async produce(job) {
    const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({ ...clientOptions(job), autocreateTopics: false })
    const ring = (await rawRecords(job.schemaId)).map(({ key, value, headers }) => ({
      topic: job.topic,
      key,
      value,
      headers: new Map(Object.entries(headers).map(([name, bytes]) => [Buffer.from(name), bytes])),
    }))
    const at = (index: number) => ring[index % ring.length]!
    return {
      send(index, id) {
        const record = at(index)
        if (id === undefined) return producer.send({ messages: [record], acks: -1 })
        const headers = new Map([...record.headers].filter(([name]) => !name.equals(ceId))).set(ceId, Buffer.from(id))
        return producer.send({ messages: [{ ...record, headers }], acks: -1 })
      },
      sendBatch: (index, count) => producer.send({ messages: Array.from({ length: count }, (_, i) => at(index + i)), acks: -1 }),
      close: () => producer.close(),
    }
  },
}

function clientOptions(job: Job) {
  return { clientId: 'bench', bootstrapBrokers: [...job.brokers] }
}

async function drain(stream: AsyncIterable<Bytes>, handle: Handle): Promise<void> {
  for await (const message of stream) {
    const idOf = (): string => String([...message.headers].find(([name]) => name.equals(ceId))?.[1])
    const result = handle(idOf, message.partition)
    if (result instanceof Promise) await result
  }
}
