import { describe, expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { adminOf, type BrokerOf, numbered, producerOf, record, topicOf, write } from './fixture.ts'
import { nameOf, patience, type RecordingConsumer, recordingConsumer, startConsumer } from './recording-consumer.ts'

export function describeGroups(broker: BrokerOf): void {
  describe('a group', () => {
    describeMembership(broker)
    describeRebalance(broker)
    describeStop(broker)
  })
}

function describeMembership(broker: BrokerOf): void {
  test('gets every record, whatever other groups do', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, ['a0', 'a1'])
    await write(broker(), topic, 1, ['b0'])
    const first = await startConsumer(broker(), { group: unique('first'), topics: [topic] })
    const second = await startConsumer(broker(), { group: unique('second'), topics: [topic] })
    for (const consumer of [first, second]) {
      await until(() => consumer.records.length === 3, { ...patience, what: 'all records in each group' })
      expect(consumer.values().toSorted()).toEqual(['a0', 'a1', 'b0'])
    }
  })

  test('shares the partitions among its members as the assigner says, each record with one of them', async () => {
    const topics = [await topicOf(broker(), { partitions: 2 }), await topicOf(broker(), { partitions: 2 })]
    const group = unique('group')
    const one = await startConsumer(broker(), { group, topics })
    const two = await startConsumer(broker(), { group, topics })
    await until(() => partitionsOf(one).length === 2 && partitionsOf(two).length === 2, {
      ...patience,
      what: 'a fair share for both',
    })
    for (const topic of topics) for (const partition of [0, 1]) await write(broker(), topic, partition, numbered('v', 3))

    await until(() => one.records.length + two.records.length === 12, { ...patience, what: 'all 12 records' })
    for (const consumer of [one, two]) {
      const numbers = new Set(partitionsOf(consumer).map(name => name.split('/')[1]))
      expect(numbers.size).toBe(1)
      expect(new Set(consumer.records.map(nameOf))).toEqual(new Set(partitionsOf(consumer)))
    }
  })

  test('cannot be joined for a topic that does not exist', async () => {
    const topic = await topicOf(broker())
    const consumer = recordingConsumer(broker(), { group: unique('group'), topics: [topic, unique('missing')] })
    await expect(consumer.start()).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
  })
}

function describeRebalance(broker: BrokerOf): void {
  test('lets a member finish before its partitions go to one who joins', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const gate = Promise.withResolvers<void>()
    const one = await startConsumer(broker(), { group, topics: [topic], onRevoking: () => gate.promise })
    const two = recordingConsumer(broker(), { group, topics: [topic] })
    const joining = two.start()
    await until(() => one.happenings.at(-1)?.what === 'revoking', { ...patience, what: 'onRevoking of the first member' })
    expect(two.happenings).toEqual([])
    expect(one.happenings.filter(({ what }) => what === 'assigned')).toHaveLength(1)

    gate.resolve()
    await joining
    await until(() => partitionsOf(one).length === 1 && partitionsOf(two).length === 1, {
      ...patience,
      what: 'one partition for each',
    })
    expect([...partitionsOf(one), ...partitionsOf(two)].toSorted()).toEqual([`${topic}/0`, `${topic}/1`])
  })

  test('revokes the members who stay when one leaves, and gives them its partitions', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const one = await startConsumer(broker(), { group, topics: [topic] })
    const two = await startConsumer(broker(), { group, topics: [topic] })
    await until(() => partitionsOf(one).length === 1 && partitionsOf(two).length === 1, {
      ...patience,
      what: 'one partition for each',
    })
    const before = one.happenings.length
    await two.stop()
    await until(() => partitionsOf(one).length === 2, { ...patience, what: 'both partitions with the one who stays' })
    const since = one.happenings.slice(before).map(({ what }) => what)
    expect(since).toEqual(['revoking', 'revoked', 'assigned'])
  })

  test('hands no record to two members when onRevoking commits', async () => {
    const topic = await topicOf(broker(), { partitions: 3 })
    const group = unique('group')
    const producer = producerOf(broker())
    let written = 0
    let writing = true
    const members: RecordingConsumer[] = []
    const seen = () => members.flatMap(member => member.values())
    const writer = (async () => {
      for (; writing; written++) {
        await producer.sendBatch(topic, written % 3, [record(topic, written % 3, `${written}`)])
        await until(() => !writing || seen().length > written - 50, { ...patience, what: 'the members to keep up' })
      }
    })()
    for (const _ of [1, 2, 3]) members.push(await startConsumer(broker(), { group, topics: [topic] }))
    await until(() => members.every(member => member.records.length > 0), { ...patience, what: 'records for all three members' })
    await members[1]!.stop()
    await members[0]!.stop()
    writing = false
    await writer

    await until(() => new Set(seen()).size === written, { ...patience, what: 'every record' })
    expect(seen()).toHaveLength(written)
  })

  test('hands over records only after onAssigned has resolved', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, ['v'])
    const gate = Promise.withResolvers<void>()
    const consumer = recordingConsumer(broker(), { group: unique('group'), topics: [topic], onAssigned: () => gate.promise })
    const starting = consumer.start()
    await until(() => consumer.happenings.length > 0, { ...patience, what: 'the assignment' })
    // Whoever begins later has the record: it has had the time to get through.
    const other = await startConsumer(broker(), { group: unique('other'), topics: [topic] })
    await until(() => other.records.length === 1, { ...patience, what: 'the record in the other group' })
    expect(consumer.happenings.map(({ what }) => what)).toEqual(['assigned'])
    gate.resolve()
    await starting
    await until(() => consumer.records.length === 1, { ...patience, what: 'the record' })
  })

  test('waits no longer than rebalanceTimeoutMs for onRevoking, and assigns anew', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const never = new Promise<void>(() => undefined)
    let revocations = 0
    const onRevoking = () => (++revocations === 1 ? never : Promise.resolve())
    // Members learn of a rebalance by a heartbeat, every third of a session: the timeout must leave time for that.
    const timeouts = { rebalanceTimeoutMs: 4_000, sessionTimeoutMs: 6_000 }
    const slow = await startConsumer(broker(), { group, topics: [topic], ...timeouts, onRevoking })
    const two = await startConsumer(broker(), { group, topics: [topic], ...timeouts })
    await until(() => partitionsOf(slow).length === 1 && partitionsOf(two).length === 1, {
      ...patience,
      what: 'one partition for each',
    })
    await write(broker(), topic, 0, ['a'])
    await write(broker(), topic, 1, ['b'])
    await until(() => slow.records.length === 1 && two.records.length === 1, { ...patience, what: 'a record for each' })
  })
}

function describeStop(broker: BrokerOf): void {
  test('is left by stop, after onRevoking, once', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, ['v'])
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic] })
    await until(() => consumer.records.length === 1, { ...patience, what: 'the record' })
    await Promise.all([consumer.stop(), consumer.stop()])
    await consumer.stop()
    expect(consumer.happenings.map(({ what }) => what)).toEqual(['assigned', 'records', 'revoking', 'revoked'])
    expect((await adminOf(broker()).committed(group, [topic])).map(({ offset }) => offset)).toEqual([1n])
    await until(async () => (await adminOf(broker()).groups([group]))[0]?.members === 0, {
      ...patience,
      what: 'a group without members',
    })
  })

  test('is left by stop even if onRevoking never ends', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const never = new Promise<void>(() => undefined)
    const consumer = await startConsumer(broker(), { group, topics: [topic], rebalanceTimeoutMs: 1_000, onRevoking: () => never })
    await consumer.stop()
    await until(async () => (await adminOf(broker()).groups([group]))[0]?.members === 0, {
      ...patience,
      what: 'a group without members',
    })
  })

  test('is never joined by a consumer that was stopped before its start', async () => {
    const topic = await topicOf(broker())
    const consumer = recordingConsumer(broker(), { group: unique('group'), topics: [topic] })
    await consumer.stop()
    expect(consumer.happenings).toEqual([])
  })
}

function partitionsOf(consumer: RecordingConsumer): string[] {
  return (consumer.assignment() ?? []).map(nameOf)
}
