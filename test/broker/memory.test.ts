/** What the broker in memory does besides the contract it shares with Kafka (test/contract). */
import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Assigner } from '../../src/broker/port.ts'
import { numbered, readAll, record, topicOf, write } from '../contract/fixture.ts'
import { coPartitioned, patience, recordingConsumer, startConsumer } from '../contract/recording-consumer.ts'
import { until } from '../until.ts'

test('takes the time from the clock it is given', async () => {
  const broker = memoryBroker({ clock: () => 1_234 })
  const topic = await topicOf(broker)
  await broker.producer().sendBatch(topic, 0, [record(topic, 0, 'now'), record(topic, 0, 'given', { timestampMs: 7 })])
  expect((await readAll(broker, topic)).map(found => found.timestampMs)).toEqual([1_234, 7])
})

test('keeps what was sent when the sender uses its buffers again', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const bytes = Buffer.from('as sent')
  await broker.producer().sendBatch(topic, 0, [record(topic, 0, null, { key: bytes, value: bytes, headers: [['h', bytes]] })])
  bytes.fill(0)
  const [found] = await readAll(broker, topic)
  expect([found?.key, found?.value, found?.headers[0]?.[1]].map(String)).toEqual(['as sent', 'as sent', 'as sent'])
})

test('refuses a request whose records are too large together, as one request is one batch', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const producer = broker.producer()
  const halves = [record(topic, 0, 'x'.repeat(600_000)), record(topic, 0, 'x'.repeat(600_000))]
  await expect(producer.sendBatch(topic, 0, halves)).rejects.toMatchObject({ code: 'E_RECORD_TOO_LARGE' })
  for (const half of halves) await producer.sendBatch(topic, 0, [half])
  expect(await readAll(broker, topic)).toHaveLength(2)
})

test('shares nothing between two brokers', async () => {
  const topic = await topicOf(memoryBroker())
  expect(await memoryBroker().admin().topics([topic])).toEqual([])
})

test('rebalances a group when a topic of it grows', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const consumer = await startConsumer(broker, { group: 'group', topics: [topic] })
  await broker.admin().addPartitions(topic, 2)
  await write(broker, topic, 1, ['in the new partition'])
  await until(() => consumer.values().includes('in the new partition'), { ...patience, what: 'the record' })
  expect(consumer.assignment()).toHaveLength(2)
})

test('reads a partition that is added later from its start, even in a group that began at the end', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const begin = () => startConsumer(broker, { group: 'group', topics: [topic], startAtEnd: [topic] })
  await (await begin()).stop()
  await broker.admin().addPartitions(topic, 2)
  await write(broker, topic, 1, ['early'])
  const consumer = await begin()
  await until(() => consumer.values().includes('early'), { ...patience, what: 'the record' })
})

test('refuses a member whose assigner is another', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  await startConsumer(broker, { group: 'group', topics: [topic] })
  const other: Assigner = { name: 'other', assign: coPartitioned.assign }
  await expect(recordingConsumer(broker, { group: 'group', topics: [topic], assigner: other }).start()).rejects.toMatchObject({
    code: 'E_BROKER_REFUSED',
  })
})

test.each(['onRecords', 'onRevoking'] as const)(
  'crashes a consumer whose %s throws, and the group goes on without it',
  async handler => {
    const broker = memoryBroker()
    const topic = await topicOf(broker)
    await write(broker, topic, 0, numbered('v', 3))
    const bug = new Error('a bug')
    const crashes: unknown[] = []
    const onCrash = (error: unknown) => void crashes.push(error)
    const broken = await startConsumer(broker, { group: 'group', topics: [topic], onCrash, [handler]: () => Promise.reject(bug) })
    const other = await startConsumer(broker, { group: 'group', topics: [topic] })
    await until(() => other.records.length === 3, { ...patience, what: 'the records' })
    expect(crashes).toEqual([bug])
    await broken.stop()
  },
)

test('fails to start, without a crash besides, when the first onAssigned throws', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const bug = new Error('a bug')
  const broken = recordingConsumer(broker, { group: 'group', topics: [topic], onAssigned: () => Promise.reject(bug) })
  await expect(broken.start()).rejects.toBe(bug)
  expect(broken.happenings.map(({ what }) => what)).toEqual(['assigned'])
  const other = await startConsumer(broker, { group: 'group', topics: [topic] })
  expect(other.assignment()).toHaveLength(1)
})

test('fails to start with an assigner that invents a partition', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const assigner: Assigner = { name: 'inventive', assign: ([member]) => new Map([[member!.memberId, [{ topic, partition: 5 }]]]) }
  const consumer = recordingConsumer(broker, { group: 'group', topics: [topic], assigner })
  await expect(consumer.start()).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
  expect(consumer.happenings).toEqual([])
})

test('waits for onRecords of one partition while the others flow', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker, { partitions: 2 })
  const gate = Promise.withResolvers<void>()
  const consumer = await startConsumer(broker, {
    group: 'group',
    topics: [topic],
    onRecords: ([first]) => (first?.partition === 0 ? gate.promise : Promise.resolve()),
  })
  await write(broker, topic, 0, ['held'])
  await until(() => consumer.values().includes('held'), { ...patience, what: 'the record that is held' })
  await write(broker, topic, 0, ['next'])
  for (const value of ['flows 1', 'flows 2', 'flows 3']) {
    await write(broker, topic, 1, [value])
    await until(() => consumer.values().includes(value), { ...patience, what: value })
  }
  expect(consumer.values()).toEqual(['held', 'flows 1', 'flows 2', 'flows 3'])
  gate.resolve()
  await until(() => consumer.values().at(-1) === 'next', { ...patience, what: 'the next record' })
})

test('lets stop settle in the middle of a rebalance, without a second onRevoking', async () => {
  const broker = memoryBroker()
  const topic = await topicOf(broker)
  const gate = Promise.withResolvers<void>()
  const one = await startConsumer(broker, { group: 'group', topics: [topic], onRevoking: () => gate.promise })
  const joining = startConsumer(broker, { group: 'group', topics: [topic] })
  await until(() => one.happenings.at(-1)?.what === 'revoking', { ...patience, what: 'the rebalance' })
  const stopping = one.stop()
  gate.resolve()
  await stopping
  const two = await joining
  await until(() => two.assignment()?.length === 1, { ...patience, what: 'the partition with the one who stays' })
  expect(one.happenings.map(({ what }) => what)).toEqual(['assigned', 'revoking', 'revoked'])
})
