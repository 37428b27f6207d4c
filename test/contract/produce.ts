import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import { unique } from '../unique.ts'
import { type BrokerOf, numbered, producerOf, readAll, record, text, topicOf } from './fixture.ts'

export function describeProduce(broker: BrokerOf): void {
  describe('a producer', () => {
    test('keeps the order within a partition and counts offsets up by one', async () => {
      const topic = await topicOf(broker(), { partitions: 2 })
      const producer = producerOf(broker())
      const batch = (prefix: string) => numbered(prefix, 3).map(value => record(topic, 1, value))
      expect(await producer.sendBatch(topic, 1, batch('a'))).toBe(0n)
      expect(await producer.sendBatch(topic, 1, batch('b'))).toBe(3n)
      expect(await producer.sendBatch(topic, 0, [record(topic, 0, 'other')])).toBe(0n)

      const records = await readAll(broker(), topic, 1)
      expect(text(records)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
      expect(records.map(found => found.offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
      expect(text(await readAll(broker(), topic, 0))).toEqual(['other'])
    })

    test('tells null from empty, in keys and values', async () => {
      const topic = await topicOf(broker())
      const pairs = [
        [null, null],
        [Buffer.alloc(0), Buffer.alloc(0)],
        [Buffer.from([0, 255, 128]), Buffer.from([0, 1, 2, 254])],
      ] as const
      await producerOf(broker()).sendBatch(
        topic,
        0,
        pairs.map(([key, value]) => record(topic, 0, null, { key, value })),
      )
      expect((await readAll(broker(), topic)).map(found => [found.key, found.value])).toEqual(pairs)
    })

    test('keeps headers: null, binary, empty, any name', async () => {
      const topic = await topicOf(broker())
      const headers: OutgoingRecord['headers'] = [
        ['null', null],
        ['empty', Buffer.alloc(0)],
        ['binary', Buffer.from([0, 255, 254, 10])],
        ['__proto__', Buffer.from('not an object key')],
        ['constructor', Buffer.from('neither')],
        ['größe', Buffer.from('ü')],
      ]
      await producerOf(broker()).sendBatch(topic, 0, [record(topic, 0, 'x', { headers })])
      const [found] = await readAll(broker(), topic)
      expect(found?.headers).toHaveLength(headers.length)
      expect(new Map(found?.headers)).toEqual(new Map(headers))
    })

    test('keeps the order of headers, duplicates included', async () => {
      const topic = await topicOf(broker())
      const headers: OutgoingRecord['headers'] = [
        ['z', Buffer.from('1')],
        ['7', Buffer.from('a name like an index')],
        ['a', Buffer.from('2')],
        ['z', Buffer.from('3')],
        ['a', null],
        ['z', Buffer.from('4')],
      ]
      await producerOf(broker()).sendBatch(topic, 0, [record(topic, 0, 'x', { headers })])
      const [found] = await readAll(broker(), topic)
      expect(found?.headers).toEqual(headers)
    })

    test('keeps a given timestamp and else takes the time of sending', async () => {
      const topic = await topicOf(broker())
      const before = Date.now()
      await producerOf(broker()).sendBatch(topic, 0, [
        record(topic, 0, 'given', { timestampMs: 1_700_000_000_123 }),
        record(topic, 0, 'sent'),
      ])
      const [given, sent] = await readAll(broker(), topic)
      expect(given?.timestampMs).toBe(1_700_000_000_123)
      expect(sent?.timestampMs).toBeGreaterThanOrEqual(before)
      expect(sent?.timestampMs).toBeLessThanOrEqual(Date.now())
    })

    test('keeps the order of calls that do not wait for each other, in each of several partitions', async () => {
      const topic = await topicOf(broker(), { partitions: 2 })
      const producer = producerOf(broker())
      const writers = [0, 1].map(async partition => {
        for (const value of numbered('v', 20)) await producer.sendBatch(topic, partition, [record(topic, partition, value)])
      })
      await Promise.all(writers)
      expect(text(await readAll(broker(), topic, 0))).toEqual(numbered('v', 20))
      expect(text(await readAll(broker(), topic, 1))).toEqual(numbered('v', 20))
    })

    test('knows how many partitions a topic has', async () => {
      expect(await producerOf(broker()).partitionsOf(await topicOf(broker(), { partitions: 3 }))).toBe(3)
    })

    test('is refused for a topic that does not exist, and does not create it', async () => {
      const missing = unique('missing')
      const producer = producerOf(broker())
      await expect(producer.partitionsOf(missing)).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
      await expect(producer.sendBatch(missing, 0, [record(missing, 0, 'x')])).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
      expect(await broker().admin().topics([missing])).toEqual([])
    })

    test('writes compressed what the topic takes no other way', async () => {
      const topic = await topicOf(broker(), { config: { 'max.message.bytes': '2000' } })
      const producer = producerOf(broker())
      const headers = [['h', Buffer.alloc(2_000, 8)]] as const
      const large = record(topic, 0, null, { value: Buffer.alloc(40_000, 7), headers })
      expect(await producer.sendBatch(topic, 0, [large])).toBe(0n)
      expect(await producer.sendBatch(topic, 0, [record(topic, 0, 'small')])).toBe(1n)
      expect(await producer.sendBatch(topic, 0, [large])).toBe(2n)
      const found = await readAll(broker(), topic)
      expect(found.map(({ value }) => value)).toEqual([large.value, Buffer.from('small'), large.value])
      expect(found[2]?.headers).toEqual(headers)
    })

    test('is refused for a record larger than the topic takes, and works on after it', async () => {
      const topic = await topicOf(broker(), { config: { 'max.message.bytes': '2000' } })
      const producer = producerOf(broker())
      const large = record(topic, 0, null, { value: randomBytes(4_000) })
      await expect(producer.sendBatch(topic, 0, [large])).rejects.toMatchObject({ code: 'E_RECORD_TOO_LARGE', retryable: false })
      expect(await producer.sendBatch(topic, 0, [record(topic, 0, 'small')])).toBe(0n)
      expect(text(await readAll(broker(), topic))).toEqual(['small'])
    })
  })
}
