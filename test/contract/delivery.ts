import { describe, expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { adminOf, type BrokerOf, numbered, producerOf, readAll, topicOf, write } from './fixture.ts'
import { patience, startConsumer } from './recording-consumer.ts'

export function describeDelivery(broker: BrokerOf): void {
  describe('delivery', () => {
    describeRecords(broker)
    describeEnds(broker)
    describePause(broker)
    describeBackPressure(broker)
  })
}

function describeRecords(broker: BrokerOf): void {
  test('hands over all of a record', async () => {
    const topic = await topicOf(broker())
    const headers = [
      ['a', Buffer.from('1')],
      ['none', null],
      ['__proto__', Buffer.from([255])],
    ] as const
    await producerOf(broker()).sendBatch(topic, 0, [
      { topic, partition: 0, key: Buffer.from('k'), value: null, headers, timestampMs: 1_700_000_000_000 },
      { topic, partition: 0, key: null, value: Buffer.from([0, 255]), headers: [] },
    ])
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic] })
    await until(() => consumer.records.length === 2, { ...patience, what: 'both records' })
    expect(consumer.records).toEqual(await readAll(broker(), topic))
    expect(consumer.records[0]).toMatchObject({
      topic,
      partition: 0,
      offset: 0n,
      key: Buffer.from('k'),
      value: null,
      timestampMs: 1_700_000_000_000,
    })
    expect(new Map(consumer.records[0]?.headers)).toEqual(new Map(headers))
  })

  test('keeps the order of a partition, over many batches', async () => {
    const topic = await topicOf(broker())
    const values = numbered('v', 2_500)
    for (let i = 0; i < values.length; i += 500) await write(broker(), topic, 0, values.slice(i, i + 500))
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic] })
    await until(() => consumer.records.length >= values.length, { ...patience, what: 'all records' })
    expect(consumer.values()).toEqual(values)
  })

  test('reports how far each partition has been read', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, numbered('a', 4))
    await write(broker(), topic, 1, numbered('b', 2))
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic] })
    const bounds = await adminOf(broker()).bounds(topic)
    await until(() => bounds.every(({ partition, high }) => consumer.positions.get(`${topic}/${partition}`) === high), {
      ...patience,
      what: 'the positions',
    })
    expect(consumer.records).toHaveLength(6)
  })
}

function describeEnds(broker: BrokerOf): void {
  test('tells where each partition ends, also of an empty one and while records are held', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const gate = Promise.withResolvers<void>()
    const held = await startConsumer(broker(), { group: unique('group'), topics: [topic], onRecords: () => gate.promise })
    await until(() => [0, 1].every(p => held.ends.get(`${topic}/${p}`) === 0n), { ...patience, what: 'both ends' })
    await write(broker(), topic, 0, numbered('a', 4))
    await until(() => held.ends.get(`${topic}/0`) === 4n, { ...patience, what: 'the end, before the records are taken' })
    expect(held.positions.get(`${topic}/0`)).toBe(0n)
    gate.resolve()
    await until(() => held.positions.get(`${topic}/0`) === 4n, { ...patience, what: 'the position' })
    await write(broker(), topic, 1, numbered('b', 2))
    await until(() => held.ends.get(`${topic}/1`) === 2n, { ...patience, what: 'the end that has moved' })
  })
}

function describePause(broker: BrokerOf): void {
  test('leaves out paused partitions until they are resumed', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, ['before'])
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic] })
    await until(() => consumer.values().includes('before'), { ...patience, what: 'a record before the pause' })

    consumer.pause([{ topic, partition: 0 }])
    await write(broker(), topic, 0, ['paused 1', 'paused 2'])
    for (const value of ['flows 1', 'flows 2', 'flows 3']) {
      await write(broker(), topic, 1, [value])
      await until(() => consumer.values().includes(value), { ...patience, what: `'${value}' of the other partition` })
    }
    expect(consumer.values()).toEqual(['before', 'flows 1', 'flows 2', 'flows 3'])

    consumer.resume([{ topic, partition: 0 }])
    await until(() => consumer.records.length === 6, { ...patience, what: 'the records held back' })
    expect(consumer.values().slice(4)).toEqual(['paused 1', 'paused 2'])
  })

  test('begins an assignment with nothing paused', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic] })
    consumer.pause([{ topic, partition: 0 }])
    await write(broker(), topic, 0, ['v'])
    const other = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await other.stop()
    await until(() => consumer.assignment()?.length === 1 && consumer.values().includes('v'), { ...patience, what: 'the record' })
  })
}

function describeBackPressure(broker: BrokerOf): void {
  test('hands over the next records of a partition when onRecords has resolved', async () => {
    const topic = await topicOf(broker())
    const gate = Promise.withResolvers<void>()
    const onRecords = async (_: unknown, heartbeat: () => Promise<void>) => {
      await heartbeat()
      await gate.promise
    }
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic], onRecords })
    await write(broker(), topic, 0, ['first'])
    await until(() => consumer.values().includes('first'), { ...patience, what: 'the record that is held' })
    await write(broker(), topic, 0, ['second'])
    // Whoever begins later has it: it has had the time to get through.
    const other = await startConsumer(broker(), { group: unique('other'), topics: [topic] })
    await until(() => other.values().includes('second'), { ...patience, what: 'the next record in the other group' })
    expect(consumer.values()).toEqual(['first'])
    gate.resolve()
    await until(() => consumer.values().at(-1) === 'second', { ...patience, what: 'the next record' })
  })

  test('lets onRecords of several partitions run at once', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, ['a'])
    await write(broker(), topic, 1, ['b'])
    const gate = Promise.withResolvers<void>()
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic], onRecords: () => gate.promise })
    await until(() => consumer.records.length === 2, { ...patience, what: 'both records, while neither is done' })
    gate.resolve()
  })
}
