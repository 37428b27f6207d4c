import { describe, expect, test } from 'vitest'
import type { Admin } from '../../src/broker/port.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { adminOf, type BrokerOf, numbered, producerOf, record, topicOf, write } from './fixture.ts'
import { patience, startConsumer } from './recording-consumer.ts'

export function describeAdmin(broker: BrokerOf): void {
  describe('an admin', () => {
    describeTopics(broker)
    describePositions(broker)
    describeTimes(broker)
    describeGroupChanges(broker)
  })
}

function describeTopics(broker: BrokerOf): void {
  test('creates topics with partitions and settings, ready to be written to', async () => {
    const admin = adminOf(broker())
    const [one, two] = [unique('one'), unique('two')]
    await admin.createTopics([
      { name: one, partitions: 3, replicationFactor: 1, config: { 'retention.ms': '12345000', 'cleanup.policy': 'delete' } },
      { name: two, partitions: 1, replicationFactor: 1, config: {} },
    ])
    expect(await producerOf(broker()).sendBatch(two, 0, [record(two, 0, 'x')])).toBe(0n)
    const [state] = await admin.topics([one])
    expect(state).toMatchObject({ name: one, partitions: 3, replicationFactor: 1, config: { 'retention.ms': '12345000' } })
    expect(await admin.topicNames()).toEqual(expect.arrayContaining([one, two]))
    expect(await admin.brokerCount()).toBeGreaterThanOrEqual(1)
  })

  test('describes only the topics that exist', async () => {
    const topic = await topicOf(broker())
    const found = await adminOf(broker()).topics([unique('missing'), topic, unique('missing')])
    expect(found.map(state => state.name)).toEqual([topic])
    expect(await adminOf(broker()).topics([])).toEqual([])
  })

  test('leaves a topic alone that exists already, and creates the others', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, ['kept'])
    const other = unique('other')
    const admin = adminOf(broker())
    await admin.createTopics(
      [topic, other].map(name => ({ name, partitions: 5, replicationFactor: 1, config: { 'retention.ms': '1000' } })),
    )
    const states = await admin.topics([topic, other])
    expect(new Map(states.map(state => [state.name, state.partitions]))).toEqual(
      new Map([
        [topic, 2],
        [other, 5],
      ]),
    )
    expect(states.find(state => state.name === topic)?.config).not.toHaveProperty('retention.ms')
    expect((await admin.bounds(topic))[0]?.high).toBe(1n)
  })

  test('adds partitions, never takes them away', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const admin = adminOf(broker())
    await admin.addPartitions(topic, 4)
    await until(async () => (await admin.topics([topic]))[0]?.partitions === 4, { ...patience, what: 'four partitions' })
    await expect(admin.addPartitions(topic, 3)).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
    await expect(admin.addPartitions(unique('missing'), 3)).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
  })

  test('tells how large a batch a topic takes, whether it says so itself or not', async () => {
    const [own, other] = [await topicOf(broker(), { config: { 'max.message.bytes': '3000' } }), await topicOf(broker())]
    const admin = adminOf(broker())
    const states = new Map((await admin.topics([own, other])).map(({ name, maxBatchBytes }) => [name, maxBatchBytes]))
    expect(states.get(own)).toBe(3_000)
    expect(states.get(other)).toBeGreaterThanOrEqual(1_000_000)
    expect(await admin.maxBatchBytes()).toBe(states.get(other))
  })

  test('changes the settings it is given and no others', async () => {
    const topic = await topicOf(broker(), { config: { 'retention.ms': '5000000', 'max.message.bytes': '3000' } })
    const admin = adminOf(broker())
    await admin.alterConfig(topic, { 'retention.ms': '6000000' })
    const settings = async () => (await admin.topics([topic]))[0]?.config
    await until(async () => (await settings())?.['retention.ms'] === '6000000', { ...patience, what: 'the new retention' })
    expect(await settings()).toMatchObject({ 'max.message.bytes': '3000' })
  })
}

function describePositions(broker: BrokerOf): void {
  test('tells the bounds of every partition', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 1, numbered('v', 4))
    const bounds = await adminOf(broker()).bounds(topic)
    expect(bounds.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, low: 0n, high: 0n },
      { partition: 1, low: 0n, high: 4n },
    ])
    await expect(adminOf(broker()).bounds(unique('missing'))).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
  })

  test('tells what a group has committed, -1 for nothing', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await consumer.commit([{ topic, partition: 1, offset: 7n, metadata: 'seven' }])
    const committed = await adminOf(broker()).committed(group, [topic])
    expect(committed.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, offset: -1n, metadata: '' },
      { topic, partition: 1, offset: 7n, metadata: 'seven' },
    ])
    expect((await adminOf(broker()).committed(unique('group'), [topic])).map(({ offset }) => offset)).toEqual([-1n, -1n])
  })

  test('tells the state of a group', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const never = unique('group')
    const admin = adminOf(broker())
    const consumer = await startConsumer(broker(), { group, topics: [topic] })
    expect(
      await until(async () => (await admin.groups([group])).filter(({ state }) => state === 'Stable'), {
        ...patience,
        what: 'a stable group',
      }),
    ).toEqual([{ group, state: 'Stable', members: 1 }])
    await consumer.commit([{ topic, partition: 0, offset: 0n, metadata: '' }])
    await consumer.stop()
    await until(async () => (await admin.groups([group]))[0]?.state === 'Empty', { ...patience, what: 'an empty group' })
    expect(await admin.groups([never])).toEqual([{ group: never, state: 'Dead', members: 0 }])
  })
}

function describeTimes(broker: BrokerOf): void {
  test('tells the first offset of a time, in every partition', async () => {
    const topic = await topicOf(broker(), { partitions: 3 })
    const at = (partition: number, timesMs: readonly number[]) =>
      producerOf(broker()).sendBatch(
        topic,
        partition,
        timesMs.map(timestampMs => record(topic, partition, 'v', { timestampMs })),
      )
    const base = Date.now() - 60_000
    await at(0, [base, base + 10, base + 20, base + 30])
    // Not in order, as several publishers are.
    await at(1, [base + 40, base, base + 20])
    const admin = adminOf(broker())
    const offsets = async (timeMs: number) =>
      (await admin.offsetsAt(topic, timeMs)).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
    expect(await offsets(base + 11)).toEqual([2n, 0n, 0n])
    expect(await offsets(base + 20)).toEqual([2n, 0n, 0n])
    expect(await offsets(base + 41)).toEqual([4n, 3n, 0n])
    expect(await offsets(0)).toEqual([0n, 0n, 0n])
    expect(await offsets(-1)).toEqual([0n, 0n, 0n])
    expect(await offsets(base + 1e12)).toEqual([4n, 3n, 0n])
    await expect(admin.offsetsAt(unique('missing'), base)).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
  })
}

function describeGroupChanges(broker: BrokerOf): void {
  const offsets = async (admin: Admin, group: string, topic: string) =>
    (await admin.committed(group, [topic])).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)

  test('commits for a group that nobody is in, and that need not exist', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, numbered('v', 5))
    const group = unique('group')
    const admin = adminOf(broker())
    await admin.commit(group, [
      { topic, partition: 0, offset: 3n, metadata: 'three' },
      { topic, partition: 1, offset: 0n, metadata: '' },
    ])
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    expect(consumer.assignment()?.find(({ partition }) => partition === 0)).toMatchObject({ position: 3n, metadata: 'three' })
    await until(() => consumer.records.length === 2, { ...patience, what: 'what is after it' })
    await consumer.stop()
    await until(async () => (await admin.groups([group]))[0]?.members === 0, { ...patience, what: 'the group to be empty' })
    await admin.commit(group, [{ topic, partition: 0, offset: 1n, metadata: '' }])
    expect(await offsets(admin, group, topic)).toEqual([1n, 0n])
    await admin.commit(group, [])
  })

  test('commits nothing for a group that somebody is in, and does not delete it', async () => {
    const topic = await topicOf(broker(), { partitions: 1 })
    await write(broker(), topic, 0, numbered('v', 5))
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await consumer.commit([{ topic, partition: 0, offset: 2n, metadata: '' }])
    const admin = adminOf(broker())
    const refused = { code: 'E_GROUP_ACTIVE', retryable: false }
    await expect(admin.commit(group, [{ topic, partition: 0, offset: 4n, metadata: '' }])).rejects.toMatchObject(refused)
    await expect(admin.deleteGroup(group)).rejects.toMatchObject(refused)
    expect(await offsets(admin, group, topic)).toEqual([2n])
  })

  test('deletes a group that nobody is in, once and again', async () => {
    const topic = await topicOf(broker(), { partitions: 1 })
    await write(broker(), topic, 0, numbered('v', 2))
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await consumer.commit([{ topic, partition: 0, offset: 1n, metadata: '' }])
    await consumer.stop()
    const admin = adminOf(broker())
    await until(async () => (await admin.groups([group]))[0]?.members === 0, { ...patience, what: 'the group to be empty' })
    await admin.deleteGroup(group)
    expect(await offsets(admin, group, topic)).toEqual([-1n])
    expect((await admin.groups([group]))[0]?.state).toBe('Dead')
    await admin.deleteGroup(group)
    await admin.deleteGroup(unique('never'))
  })
}
