/** Where letters go: back to their group, to their source, to another topic; those of Spillway and those of others. */
import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, BrokerRecord, OutgoingRecord } from '../../src/broker/port.ts'
import { decodeMoved } from '../../src/dlq/moved.ts'
import { type DlqSource, namesOf } from '../../src/dlq/source.ts'
import { planRedrive } from '../../src/redrive/plan.ts'
import { type RedriveOptions, runRedrive } from '../../src/redrive/run.ts'
import { readTrail, type Trail, withTrail } from '../../src/topic/trail.ts'
import { foreignLetters, ownHeaders } from '../topic/foreign/letters.ts'

const group = 'spend'

async function brokerWith(topics: Readonly<Record<string, number>>): Promise<Broker> {
  const broker = memoryBroker()
  const specs = Object.entries(topics).map(([name, partitions]) => ({ name, partitions, replicationFactor: 1, config: {} }))
  await broker.admin().createTopics(specs)
  return broker
}

const ownTopics = { 'spend.dlq': 3, 'spend.dlq.moved': 1, 'spend.retry.0s': 3, orders: 3, elsewhere: 3 }

async function put(broker: Broker, topic: string, partition: number, record: Partial<OutgoingRecord> = {}): Promise<void> {
  const whole = { topic, partition, key: Buffer.from('k'), value: Buffer.from('v'), headers: [], ...record }
  await broker.producer().sendBatch(topic, partition, [whole])
}

async function bury(broker: Broker, partition: number, trail: Partial<Trail> = {}): Promise<void> {
  const origin = { topic: 'orders', partition, offset: 7n, timestampMs: 1_700_000_000_000 }
  const said = { origin, group, attempt: 5, hop: 4, redriveCount: 1, disposition: 'exhausted', ...trail } as const
  const due = ['spillway-due-at', Buffer.from('9')] as const
  await put(broker, 'spend.dlq', partition, { headers: [...withTrail(ownHeaders, said), due] })
}

function sourceOf(broker: Broker, of: Pick<DlqSource, 'group' | 'foreign'> = { group }): DlqSource {
  return { reader: broker.reader(), admin: broker.admin(), ...of }
}

function redrive(source: DlqSource, broker: Broker, more: Partial<RedriveOptions>) {
  const producer = broker.transactionalProducer(namesOf(source).transactionalId)
  return runRedrive(source, producer, { runId: 'run-1', who: 'w', reason: '', ...more })
}

async function recordsOf(broker: Broker, topic: string): Promise<BrokerRecord[]> {
  const records: BrokerRecord[] = []
  for (const { partition, high } of await broker.admin().bounds(topic))
    await broker.reader().read({ topic, partition, from: 0n, to: high }, record => void records.push(record))
  return records
}

const movedTo = async (broker: Broker, topic: string) =>
  (await recordsOf(broker, topic)).map(({ value }) => decodeMoved(value)!.target)

test('to the source: the record as it was published, in its partition, without a trail', async () => {
  const broker = await brokerWith(ownTopics)
  await bury(broker, 2)
  const target = { to: 'source' } as const
  expect(await planRedrive(sourceOf(broker), undefined, { target })).toMatchObject({
    target: 'source',
    topics: [{ topic: 'orders', letters: 1 }],
  })
  expect(await redrive(sourceOf(broker), broker, { target })).toMatchObject({ moved: 1 })
  const [copy] = await recordsOf(broker, 'orders')
  expect(copy).toMatchObject({ partition: 2, key: Buffer.from('k'), value: Buffer.from('v'), headers: ownHeaders })
  expect(await recordsOf(broker, 'spend.retry.0s')).toEqual([])
  expect(await movedTo(broker, 'spend.dlq.moved')).toEqual(['source'])
})

test('to a topic: with its trail and the marks of the redrive, in the partition of the same number', async () => {
  const broker = await brokerWith(ownTopics)
  await bury(broker, 1)
  await put(broker, 'spend.dlq', 1, { headers: ownHeaders })
  expect(await redrive(sourceOf(broker), broker, { target: { to: 'topic', topic: 'elsewhere' } })).toMatchObject({ moved: 2 })
  const [letter, other] = await recordsOf(broker, 'elsewhere')
  expect(readTrail(letter!.headers)).toMatchObject({
    group,
    attempt: 0,
    redriveId: 'run-1',
    redriveCount: 2,
    origin: { topic: 'orders', partition: 1, offset: 7n },
  })
  expect(readTrail(letter!.headers)).not.toHaveProperty('disposition')
  expect(letter!.partition).toBe(1)
  // Where it came from matters to nobody there.
  expect(other!.headers).toEqual([
    ...ownHeaders,
    ['spillway-redrive-id', Buffer.from('run-1')],
    ['spillway-redrive-count', Buffer.from('1')],
  ])
  expect(await movedTo(broker, 'spend.dlq.moved')).toEqual(['elsewhere'])
})

test.each(['spend.dlq', 'spend.dlq.moved', 'other.retry.5s', '__consumer_offsets', 'constructor', '..', 'not a topic'])(
  'a letter that says it came from %s is not published there',
  async topic => {
    const broker = await brokerWith(ownTopics)
    await bury(broker, 0, { origin: { topic, partition: 0, offset: 7n, timestampMs: 0 } })
    const target = { to: 'source' } as const
    expect(await planRedrive(sourceOf(broker), undefined, { target })).toMatchObject({
      letters: 0,
      stays: [{ because: 'unfit-origin', letters: 1 }],
    })
    expect(await redrive(sourceOf(broker), broker, { target })).toMatchObject({ moved: 0, stayed: 1 })
    expect(await redrive(sourceOf(broker), broker, {})).toMatchObject({ moved: 1 })
  },
)

test('a topic that is not there, or is too small, is said with what to do', async () => {
  const broker = await brokerWith({ ...ownTopics, small: 1 })
  await bury(broker, 2)
  const plan = (topic: string) => planRedrive(sourceOf(broker), undefined, { target: { to: 'topic', topic } })
  await expect(plan('missing')).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringMatching(/no topic missing.*--to/),
  })
  await expect(plan('small')).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringMatching(/small has 1 part.*partition 2/),
  })
})

// A foreign DLQ has its own number of partitions.
const foreignTopics = { dead: 1, 'dead.moved': 1, orders: 3, 'spend.retry.0s': 3 }
const foreign = { group: 'dead', foreign: true }

test.each(Object.keys(foreignLetters))('%s: to the topic and partition that its headers name, as it was', async name => {
  const broker = await brokerWith(foreignTopics)
  const { key, value, headers } = foreignLetters[name]!
  await put(broker, 'dead', 0, { key, value, headers })
  expect(await redrive(sourceOf(broker, foreign), broker, {})).toMatchObject({ moved: 1 })
  const [copy, ...more] = await recordsOf(broker, 'orders')
  expect(more).toEqual([])
  expect(copy).toMatchObject({ partition: name === 'Kafka Streams' ? 0 : 2, key, value, headers: ownHeaders })
  expect(await movedTo(broker, 'dead.moved')).toEqual(['source'])
  expect(await redrive(sourceOf(broker, foreign), broker, { runId: 'run-2' })).toMatchObject({ moved: 0 })
})

test.each(Object.keys(foreignLetters))('%s: to a group, with a trail made of its headers', async name => {
  const broker = await brokerWith(foreignTopics)
  const { key, value, headers, timestampMs } = foreignLetters[name]!
  await put(broker, 'dead', 0, { key, value, headers, timestampMs })
  const target = { to: 'retry', group } as const
  expect(await redrive(sourceOf(broker, foreign), broker, { target })).toMatchObject({ moved: 1 })
  const [copy] = await recordsOf(broker, 'spend.retry.0s')
  expect(copy).toMatchObject({ partition: name === 'Kafka Streams' ? 0 : 2, key, value })
  expect(copy!.headers.slice(0, headers.length)).toEqual(headers)
  expect(readTrail(copy!.headers)).toMatchObject({
    origin: { topic: 'orders', timestampMs: 1_700_000_000_123 },
    group,
    attempt: 0,
    hop: 1,
    redriveId: 'run-1',
    redriveCount: 1,
  })
})

test('a foreign DLQ: what is of no family, or does not say where it came from, stays; to a topic it goes', async () => {
  const broker = await brokerWith({ ...foreignTopics, elsewhere: 1 })
  const source = sourceOf(broker, foreign)
  const { headers } = foreignLetters.Karafka!
  await put(broker, 'dead', 0, { headers })
  await put(broker, 'dead', 0, { headers: ownHeaders })
  await put(broker, 'dead', 0, { headers: headers.filter(([name]) => name !== 'source_offset') })
  const stays = [
    { because: 'unknown-headers', letters: 1 },
    { because: 'no-origin', letters: 1 },
  ]
  const families = [{ family: 'Karafka', letters: 1 }]
  expect(await planRedrive(source, undefined)).toMatchObject({ letters: 1, families, stays, target: 'source', lacks: null })
  expect(await redrive(source, broker, { maxRedrives: 1 })).toMatchObject({ moved: 1, stayed: 2 })
  expect(await redrive(source, broker, { target: { to: 'topic', topic: 'elsewhere' } })).toMatchObject({ moved: 2, stayed: 0 })
  expect(await recordsOf(broker, 'elsewhere')).toHaveLength(2)
})

test('a foreign DLQ without a topic for what was moved: the plan says so, the run refuses', async () => {
  const { 'dead.moved': _, ...topics } = foreignTopics
  const broker = await brokerWith(topics)
  await put(broker, 'dead', 0, { headers: foreignLetters.Karafka!.headers })
  expect(await planRedrive(sourceOf(broker, foreign), undefined)).toMatchObject({ letters: 1, lacks: 'dead.moved' })
  await expect(redrive(sourceOf(broker, foreign), broker, {})).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringContaining('dead.moved'),
  })
  expect(await recordsOf(broker, 'orders')).toEqual([])
})

test('the DLQ of a group is fenced by one id, however it is called', () => {
  const id = (of: Pick<DlqSource, 'group' | 'foreign'>) => namesOf(of)
  expect(id({ group: 'spend' })).toEqual({ topic: 'spend.dlq', moved: 'spend.dlq.moved', transactionalId: 'spend.redrive' })
  expect(id({ group: 'spend.dlq', foreign: true })).toEqual(id({ group: 'spend' }))
  expect(id({ group: 'orders-dlt', foreign: true })).toMatchObject({
    moved: 'orders-dlt.moved',
    transactionalId: 'orders-dlt.redrive',
  })
})
