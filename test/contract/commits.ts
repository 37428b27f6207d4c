import { describe, expect, test } from 'vitest'
import { codeOf, DataLost } from '../../src/errors.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { adminOf, type BrokerOf, numbered, topicOf, write } from './fixture.ts'
import { patience, recordingConsumer, startConsumer } from './recording-consumer.ts'

export function describeCommits(broker: BrokerOf): void {
  describe('a committed position', () => {
    describeResume(broker)
    describeRefusal(broker)
    describeStartAtEnd(broker)
    describeAddedPartition(broker)
  })
}

function describeResume(broker: BrokerOf): void {
  test('is where the group goes on, with its metadata', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    await write(broker(), topic, 0, numbered('a', 5))
    await write(broker(), topic, 1, numbered('b', 5))
    const group = unique('group')
    const first = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    expect(byPartition(first.assignment())).toEqual([
      { topic, partition: 0, position: 0n, metadata: '', end: 5n },
      { topic, partition: 1, position: 0n, metadata: '', end: 5n },
    ])
    const metadata = `{"finished":[4,5]} ü ${'x'.repeat(4_000)}`
    await first.commit([
      { topic, partition: 0, offset: 3n, metadata },
      { topic, partition: 1, offset: 5n, metadata: '' },
    ])
    await first.stop()

    const second = await startConsumer(broker(), { group, topics: [topic] })
    expect(byPartition(second.assignment())).toEqual([
      { topic, partition: 0, position: 3n, metadata, end: 5n },
      { topic, partition: 1, position: 5n, metadata: '', end: 5n },
    ])
    await until(() => second.records.length === 2, { ...patience, what: 'what was not committed' })
    await write(broker(), topic, 1, ['b5'])
    await until(() => second.records.length === 3, { ...patience, what: 'the new record' })
    expect(second.values()).toEqual(['a3', 'a4', 'b5'])
  })

  test('may be made inside onRevoking', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, numbered('v', 3))
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: true })
    await until(() => consumer.records.length === 3, { ...patience, what: 'all records' })
    await consumer.stop()
    expect((await adminOf(broker()).committed(group, [topic]))[0]?.offset).toBe(3n)
  })

  test('past the end of the log counts as none', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, ['a', 'b'])
    const group = unique('group')
    const first = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await first.commit([{ topic, partition: 0, offset: 3n, metadata: 'of a log that is gone' }])
    await first.stop()
    const second = await startConsumer(broker(), { group, topics: [topic] })
    expect(second.assignment()).toEqual([{ topic, partition: 0, position: 0n, metadata: '', end: 2n }])
    expect(second.resets).toEqual([{ topic, partition: 0, from: 3n, to: 0n, reason: 'log-ends-before' }])
    await until(() => second.records.length === 2, { ...patience, what: 'all there is' })
  })

  test('in range is told to nobody as lost', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, ['a', 'b'])
    const group = unique('group')
    for (const offset of [2n, 0n]) {
      const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
      await consumer.commit([{ topic, partition: 0, offset, metadata: '' }])
      expect(consumer.resets).toEqual([])
      await consumer.stop()
    }
  })

  test('that is lost ends the consumer before it has begun, when onReset throws', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const first = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await first.commit([{ topic, partition: 0, offset: 3n, metadata: 'kept' }])
    await first.stop()
    const second = recordingConsumer(broker(), {
      group,
      topics: [topic],
      onReset: () => {
        throw new DataLost('not with me')
      },
    })
    await expect(second.start()).rejects.toMatchObject({ code: 'E_DATA_LOST', message: 'not with me' })
    expect(second.happenings.map(({ what }) => what)).not.toContain('assigned')
    expect(await adminOf(broker()).committed(group, [topic])).toMatchObject([{ offset: 3n, metadata: 'kept' }])
  })

  test('may go back', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await consumer.commit([{ topic, partition: 0, offset: 5n, metadata: 'five' }])
    await consumer.commit([{ topic, partition: 0, offset: 2n, metadata: '' }])
    expect(await adminOf(broker()).committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 2n, metadata: '' }])
  })

  test('takes 4096 characters of metadata and refuses more', async () => {
    const topic = await topicOf(broker())
    const group = unique('group')
    const consumer = await startConsumer(broker(), { group, topics: [topic], commitOnRevoking: false })
    await consumer.commit([{ topic, partition: 0, offset: 1n, metadata: 'x'.repeat(4_096) }])
    const tooLong = consumer.commit([{ topic, partition: 0, offset: 2n, metadata: 'x'.repeat(4_097) }])
    await expect(tooLong).rejects.toMatchObject({ code: 'E_BROKER_REFUSED', retryable: false })
    expect((await adminOf(broker()).committed(group, [topic]))[0]).toMatchObject({ offset: 1n, metadata: 'x'.repeat(4_096) })
  })
}

function describeRefusal(broker: BrokerOf): void {
  test('is refused once the consumer has left', async () => {
    const topic = await topicOf(broker())
    const consumer = await startConsumer(broker(), { group: unique('group'), topics: [topic] })
    await consumer.stop()
    await expect(consumer.commit([{ topic, partition: 0, offset: 1n, metadata: '' }])).rejects.toMatchObject({
      code: 'E_ASSIGNMENT_LOST',
    })
  })

  test('is refused after onRevoking, before the next assignment', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const gate = Promise.withResolvers<void>()
    let holding = false
    const one = await startConsumer(broker(), { group, topics: [topic] })
    const two = await startConsumer(broker(), {
      group,
      topics: [topic],
      onRevoking: () => (holding ? gate.promise : Promise.resolve()),
    })
    await until(() => one.assignment()?.length === 1 && two.assignment()?.length === 1, {
      ...patience,
      what: 'one partition for each',
    })
    const at = one.assignment()![0]!

    holding = true
    const three = recordingConsumer(broker(), { group, topics: [topic] })
    const joining = three.start()
    await until(() => one.happenings.at(-1)?.what === 'revoked' && two.happenings.at(-1)?.what === 'revoking', {
      ...patience,
      what: 'the rebalance',
    })
    const askedAt = performance.now()
    const late = one.commit([{ topic, partition: at.partition, offset: 1n, metadata: '' }])
    await expect(late).rejects.toMatchObject({ code: 'E_ASSIGNMENT_LOST' })
    // Not by the broker: behind the join it would answer only when the rebalance is over.
    expect(performance.now() - askedAt).toBeLessThan(5_000)
    gate.resolve()
    await joining
  })

  test('is refused when onRevoking has taken longer than the group waits', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const group = unique('group')
    const gate = Promise.withResolvers<void>()
    let holding = false
    const onRevoking = () => (holding ? gate.promise : Promise.resolve())
    const slow = await startConsumer(broker(), {
      group,
      topics: [topic],
      rebalanceTimeoutMs: 1_000,
      commitOnRevoking: false,
      onRevoking,
    })
    const two = await startConsumer(broker(), { group, topics: [topic], onRevoking })
    await until(() => slow.assignment()?.length === 1 && two.assignment()?.length === 1, {
      ...patience,
      what: 'one partition for each',
    })
    const { partition } = slow.assignment()![0]!

    holding = true
    const joining = recordingConsumer(broker(), { group, topics: [topic] }).start()
    await until(() => slow.happenings.at(-1)?.what === 'revoking', { ...patience, what: 'the rebalance' })
    const refusal = () => slow.commit([{ topic, partition, offset: 1n, metadata: '' }]).then(() => undefined, codeOf)
    expect(await refusal()).toBeUndefined()
    expect(await until(refusal, { ...patience, what: 'a refusal' })).toBe('E_ASSIGNMENT_LOST')
    gate.resolve()
    await joining
  })
}

function describeStartAtEnd(broker: BrokerOf): void {
  test('is the end at the first start of a group that begins there, and no longer the end at its second', async () => {
    const [atEnd, atStart] = [await topicOf(broker(), { partitions: 2 }), await topicOf(broker())]
    await write(broker(), atEnd, 0, ['old'])
    await write(broker(), atStart, 0, ['first'])
    const group = unique('group')
    const begin = () => startConsumer(broker(), { group, topics: [atEnd, atStart], startAtEnd: [atEnd], commitOnRevoking: false })
    const first = await begin()
    await until(() => first.values().includes('first'), { ...patience, what: 'the topic that is read from its start' })
    await first.stop()
    expect(first.values()).toEqual(['first'])

    await write(broker(), atEnd, 0, ['while away'])
    await write(broker(), atEnd, 1, ['there, too'])
    const second = await begin()
    await until(() => second.records.length === 3, { ...patience, what: 'what came while nobody was there' })
    expect(second.values().toSorted()).toEqual(['first', 'there, too', 'while away'])
  })
}

function describeAddedPartition(broker: BrokerOf): void {
  test('is the start of a partition that is added when the group has long begun', async () => {
    const topic = await topicOf(broker())
    await write(broker(), topic, 0, ['old'])
    const begin = () => startConsumer(broker(), { group, topics: [topic], startAtEnd: [topic] })
    const group = unique('group')
    const first = await begin()
    await write(broker(), topic, 0, ['handled'])
    await until(() => first.values().includes('handled'), { ...patience, what: 'the record after the end' })
    await first.stop()

    await broker().admin().addPartitions(topic, 2)
    await until(() => write(broker(), topic, 1, ['early']).then(() => true), {
      ...patience,
      what: 'the new partition takes records',
    })
    const second = await begin()
    await until(() => second.values().includes('early'), { ...patience, what: 'the first record of the new partition' })
    expect(second.values()).toEqual(['early'])
  })
}

function byPartition<T extends { readonly partition: number }>(partitions: readonly T[] | undefined): T[] {
  return (partitions ?? []).toSorted((a, b) => a.partition - b.partition)
}
