import { describe, expect, test } from 'vitest'
import { topic } from '../../src/message/definition.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { diffTopics, type ExistingTopic, topicsOf, type WantedTopic } from '../../src/topic/plan.ts'

const orders = topic('orders', { partitions: 6, config: { 'max.message.bytes': '2000000' } })
const small = topic('small', { partitions: 2 })
const service = {
  messages: [{ topic: orders }, { topic: orders }],
  processors: [
    {
      ladder: ladderOf('spend', ['5s', '1m']),
      subscriptions: [{ definition: { topic: orders } }, { definition: { topic: small } }],
    },
  ],
}
const wanted = topicsOf(service)
const hours = (n: number) => n * 3_600_000
const asWanted = (list: readonly WantedTopic[] = wanted): ExistingTopic[] =>
  list.map(({ name, partitions, config }) => ({ name, partitions, replicationFactor: 1, config }))
const changed = (name: string, change: Partial<ExistingTopic>) =>
  asWanted().map(one => (one.name === name ? { ...one, ...change } : one))

describe('the topics a service needs', () => {
  test('are its sources and, for each group, tiers, the immediate tier, the DLQ and what was moved', () => {
    expect(wanted.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['orders', 6],
      ['small', 2],
      ['spend.retry.0s', 6],
      ['spend.retry.5s', 6],
      ['spend.retry.1m', 6],
      ['spend.dlq', 6],
      ['spend.dlq.moved', 1],
    ])
  })

  test('keep records well past their delay, letters 30 days, and what was moved for ever', () => {
    const retention = Object.fromEntries(wanted.map(({ name, config }) => [name, config['retention.ms']]))
    expect(retention).toMatchObject({
      'spend.retry.5s': String(5_000 + hours(168)),
      'spend.retry.1m': String(60_000 + hours(168)),
      'spend.dlq': String(hours(720)),
      'spend.dlq.moved': '-1',
    })
    expect(retention.orders).toBeUndefined()
  })

  test('take the trail on top of the largest source', () => {
    expect(wanted.find(({ name }) => name === 'spend.dlq')?.config['max.message.bytes']).toBe(String(2_000_000 + 65_536))
    const plain = topicsOf({
      messages: [],
      processors: [{ ladder: ladderOf('g'), subscriptions: [{ definition: { topic: small } }] }],
    })
    expect(plain.find(({ name }) => name === 'g.dlq')?.config['max.message.bytes']).toBe(String(1_048_588 + 65_536))
  })
})

describe('the difference to what exists', () => {
  test('is nothing when all is as wanted', () => {
    expect(diffTopics(wanted, asWanted(), 1).map(({ kind }) => kind)).toEqual(wanted.map(() => 'fine'))
  })

  test.each([
    [1, 1, undefined],
    [2, 2, undefined],
    [3, 3, '2'],
    [9, 3, '2'],
  ])('with %i brokers creates %i replicas, min.insync.replicas %s', (brokers, replicationFactor, insync) => {
    for (const change of diffTopics(wanted, [], brokers)) {
      expect(change).toMatchObject({ kind: 'create', replicationFactor })
      expect('config' in change && change.config['min.insync.replicas']).toBe(insync)
    }
  })

  test('takes replicas as told, and a setting of the topic itself before the default', () => {
    const own = topicsOf({ messages: [{ topic: topic('t', { config: { 'min.insync.replicas': '1' } }) }], processors: [] })
    expect(diffTopics(own, [], 3)).toMatchObject([{ config: { 'min.insync.replicas': '1' } }])
    expect(diffTopics(wanted, [], 5, { replicationFactor: 5, minInsyncReplicas: 3 })[0]).toMatchObject({
      replicationFactor: 5,
      config: { 'min.insync.replicas': '3' },
    })
  })

  test('creates the topics of groups before their sources', () => {
    const names = diffTopics(wanted, [], 1).map(({ topic: name }) => name)
    expect(names.slice(-2)).toEqual(['orders', 'small'])
  })

  test('does not grow a source unless that is allowed, and then its groups first', () => {
    const grown = topicsOf({
      ...service,
      messages: [{ topic: topic('orders', { partitions: 12 }) }],
      processors: service.processors.map(one => ({
        ...one,
        subscriptions: [{ definition: { topic: topic('orders', { partitions: 12 }) } }],
      })),
    })
    const changes = diffTopics(grown, asWanted(), 1).filter(({ kind }) => kind !== 'fine' && kind !== 'alter')
    expect(changes).toEqual([{ kind: 'refused', topic: 'orders', reason: expect.stringContaining('--allow-partition-increase') }])
    const allowed = diffTopics(grown, asWanted(), 1, { allowPartitionIncrease: true }).filter(({ kind }) => kind === 'grow')
    expect(allowed.map(({ topic: name }) => name)).toEqual([
      'spend.retry.0s',
      'spend.retry.5s',
      'spend.retry.1m',
      'spend.dlq',
      'orders',
    ])
  })

  test('gives a group as many partitions as its source really has', () => {
    const changes = diffTopics(wanted, changed('orders', { partitions: 9 }), 1)
    expect(changes.filter(({ kind }) => kind === 'problem')).toMatchObject([{ topic: 'orders' }])
    expect(changes.filter(({ kind }) => kind === 'grow')).toContainEqual({ kind: 'grow', topic: 'spend.dlq', from: 6, to: 9 })
  })

  test('alters only what is wanted and differs, and leaves what others have set', () => {
    const changes = diffTopics(
      wanted,
      changed('spend.dlq', { config: { 'retention.ms': '1', 'segment.ms': '7', 'cleanup.policy': 'delete' } }),
      1,
    )
    expect(changes.filter(({ kind }) => kind !== 'fine')).toEqual([
      {
        kind: 'alter',
        topic: 'spend.dlq',
        settings: [
          { name: 'max.message.bytes', from: undefined, to: '2065536' },
          { name: 'retention.ms', from: '1', to: String(hours(720)) },
        ],
      },
    ])
  })

  test('gives copies room for what their sources really take, whoever has set that', () => {
    const bytesOf = (existing: readonly ExistingTopic[], options = {}) =>
      diffTopics(wanted, existing, 1, options).flatMap(change =>
        change.kind === 'create' && change.topic === 'spend.dlq' ? [change.config['max.message.bytes']] : [],
      )
    const source = (name: string, maxBatchBytes: number) => ({
      name,
      partitions: 6,
      replicationFactor: 1,
      config: {},
      maxBatchBytes,
    })
    expect(bytesOf([])).toEqual([String(2_000_000 + 65_536)])
    expect(bytesOf([], { maxBatchBytes: 3_000_000 })).toEqual([String(3_000_000 + 65_536)])
    expect(bytesOf([source('small', 5_000_000)])).toEqual([String(5_000_000 + 65_536)])
    // It is to be raised first, and then takes what it is wanted to.
    expect(bytesOf([source('orders', 1_000_000), source('small', 1_000_000)])).toEqual([String(2_000_000 + 65_536)])
  })

  test('raises a tier that takes too little, and leaves one alone that takes more', () => {
    const grown = changed('small', { maxBatchBytes: 5_000_000 })
    const altered = diffTopics(wanted, grown, 1).filter(({ kind }) => kind === 'alter')
    expect(altered.map(({ topic: name }) => name)).toEqual(['spend.retry.0s', 'spend.retry.5s', 'spend.retry.1m', 'spend.dlq'])
    expect(altered[0]).toMatchObject({ settings: [{ name: 'max.message.bytes', from: '2065536', to: '5065536' }] })
    const roomy = asWanted().map(one => ({ ...one, maxBatchBytes: 9_000_000 }))
    const own = roomy.map(({ config: { 'max.message.bytes': _, ...config }, ...one }) => ({ ...one, config }))
    for (const existing of [roomy, own].map(all =>
      all.map(one =>
        one.name === 'orders' || one.name === 'small' ? changed('', {}).find(({ name }) => name === one.name)! : one,
      ),
    ))
      expect(diffTopics(wanted, existing, 1).filter(({ kind }) => kind === 'alter')).toEqual([])
  })

  test('reports too few replicas, which it does not change, and accepts more', () => {
    expect(
      diffTopics(wanted, changed('orders', { replicationFactor: 1 }), 3).filter(({ kind }) => kind === 'problem').length,
    ).toBe(wanted.length)
    expect(diffTopics(wanted, changed('orders', { replicationFactor: 3 }), 1).every(({ kind }) => kind !== 'problem')).toBe(true)
  })

  test('never asks for more in-sync replicas than an existing topic has: nobody could write to it', () => {
    for (const options of [{}, { minInsyncReplicas: 2 }]) {
      expect(diffTopics(wanted, asWanted(), 3, options).filter(({ kind }) => kind === 'alter')).toEqual([])
    }
  })
})
