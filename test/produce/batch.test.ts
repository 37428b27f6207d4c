import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { BatchProducer, OutgoingRecord } from '../../src/broker/port.ts'
import { recordBytes } from '../../src/broker/record-size.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import { batching } from '../../src/produce/batch.ts'

const topic = 'it-batch'
const record = (text: string, partition = 0): OutgoingRecord => ({
  topic,
  partition,
  key: null,
  value: Buffer.from(text),
  headers: [],
})

async function broker(config: Record<string, string> = {}) {
  const memory = memoryBroker()
  await memory.admin().createTopics([{ name: topic, partitions: 2, replicationFactor: 1, config }])
  const sizes: number[] = []
  const inner = memory.producer()
  const producer: BatchProducer = {
    ...inner,
    sendBatch: (...args) => {
      sizes.push(args[2].length)
      return inner.sendBatch(...args)
    },
  }
  const values = async () => {
    const texts: string[] = []
    const { high } = (await memory.admin().bounds(topic))[0]!
    await memory.reader().read({ topic, partition: 0, from: 0n, to: high }, ({ value }) => void texts.push(String(value)))
    return texts
  }
  return { producer, sizes, values }
}

describe('batching', () => {
  it('sends what has gathered as one request a partition, in the order of the calls, and tells each caller its offset', async () => {
    const { producer, sizes, values } = await broker()
    const sender = batching(producer)
    const positions = await Promise.all(Array.from({ length: 50 }, (_, i) => sender.send(record(`v${i}`))))
    expect(sizes).toEqual([50])
    expect(positions.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, i) => BigInt(i)))
    expect(await values()).toEqual(Array.from({ length: 50 }, (_, i) => `v${i}`))
  })

  it('has one request in flight a partition and respects both limits', async () => {
    const { producer, sizes } = await broker()
    const bytes = recordBytes(record('xxxx'))
    const sender = batching(producer, { maxBytes: bytes * 3, maxRecords: 2 })
    await Promise.all([record('aaaa'), record('bbbb'), record('cccc'), record('dddd', 1)].map(one => sender.send(one)))
    expect(sizes.toSorted()).toEqual([1, 1, 2])
  })

  it('sends less at once to a topic that takes less, and one record that is too large alone spoils no other', async () => {
    const { producer, values } = await broker({ 'max.message.bytes': '400' })
    const sender = batching(producer)
    const texts = Array.from({ length: 100 }, (_, i) => (i === 42 ? randomBytes(500).toString('base64') : `v${i}`))
    const results = await Promise.allSettled(texts.map(text => sender.send(record(text))))
    expect(results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([42])
    expect((results[42] as PromiseRejectedResult).reason).toMatchObject({ code: 'E_RECORD_TOO_LARGE' })
    expect(await values()).toEqual(texts.filter((_, i) => i !== 42))
    const offsets = results.flatMap(one => (one.status === 'fulfilled' ? [Number(one.value.offset)] : []))
    expect(offsets).toEqual(offsets.map((_, i) => i))
  })

  it('rejects the calls of a request that failed, goes on with the next, and is idle after that', async () => {
    const { producer } = await broker()
    let isFirst = true
    const failing: BatchProducer = {
      ...producer,
      sendBatch: async (...args) => {
        if (!isFirst) return producer.sendBatch(...args)
        isFirst = false
        throw new BrokerUnavailable('gone')
      },
    }
    const sender = batching(failing, { maxBytes: 1e6, maxRecords: 1 })
    const results = await Promise.allSettled([sender.send(record('a')), sender.send(record('b'))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    await sender.idle()
  })
})
