/** What a group tells of how far it is: ends, commits, the oldest record, what runs since when, and what waits since when. */
import { expect, onTestFinished, test } from 'vitest'
import { GroupLoop } from '../../src/consume/loop.ts'
import { consumer, on } from '../../src/consume/processor.ts'
import { BrokerUnavailable, RegistryUnavailable } from '../../src/errors.ts'
import { event, topic } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { Signals } from '../../src/observe/signals.ts'
import { ManualClock } from '../manual-clock.ts'
import { until } from '../until.ts'
import { admitting } from './admitting.ts'

const avro = { type: 'record', name: 'p.Step', fields: [{ name: 'id', type: 'string' }] }
const schema = avroSchema<'p.Step', { id: string }, { id: string }>({ name: 'p.Step', long: 'number', avro })
const steps = topic('steps', { partitions: 1 })
const at = { topic: 'steps', partition: 0 }
const within = { withinMs: 2_000 }

/** A loop whose attempts are settled by the test. */
async function setUp() {
  const clock = new ManualClock(1_000)
  const signals = new Signals()
  const attempts: PromiseWithResolvers<unknown>[] = []
  const polled: string[] = []
  signals.on('consumer.polled', ({ group }) => polled.push(group))
  const loop = new GroupLoop({
    processor: consumer('g', [on(event(schema, { topic: steps, key: 'id' }), () => {})]),
    attempt: () => {
      const attempt = Promise.withResolvers<unknown>()
      attempts.push(attempt)
      return attempt.promise as never
    },
    admission: admitting(),
    signals,
    drainTimeoutMs: 1,
    clock,
  })
  const commits = { fails: false }
  const commit = async () => {
    if (commits.fails) throw new BrokerUnavailable('gone')
  }
  loop.attach({ start: async () => {}, stop: async () => {}, pause: () => {}, resume: () => {}, commit }, () => {})
  onTestFinished(() => loop.abandon())
  const record = (offset: bigint) => ({
    ...{ ...at, offset, timestampMs: Number(offset) * 100, key: Buffer.from(`k${offset}`), value: Buffer.of(), headers: [] },
  })
  await loop.onAssigned([{ ...at, position: 5n, metadata: '', end: 0n }])
  const partition = () => loop.progress()!.partitions[0]!
  return { loop, clock, attempts, polled, commits, record, partition }
}

const returned = { kind: 'returned', type: '', id: '', durationMs: 0 }

test('the end is unknown before the first fetch, and polled is told once', async () => {
  const { loop, polled, partition } = await setUp()
  expect(partition()).toMatchObject({ position: 5n, committed: 5n, end: undefined, oldestMs: undefined, unfinished: 0 })
  expect(polled).toEqual([])
  loop.onPosition(at, 5n, 8n)
  loop.onPosition(at, 5n, 9n)
  expect(partition()).toMatchObject({ position: 5n, end: 9n })
  expect(polled).toEqual(['g'])
  await loop.onAssigned([])
  expect(polled).toEqual(['g', 'g'])
})

test('the oldest record, what runs since when, and what the broker has acknowledged', async () => {
  const { loop, clock, attempts, commits, record, partition } = await setUp()
  await loop.onRecords([record(5n), record(6n)], async () => {})
  clock.advanceTo(3_000)
  expect(partition()).toMatchObject({ oldestMs: 500, unfinished: 2 })
  expect(loop.progress()).toMatchObject({
    running: 2,
    attempts: [{ origin: { offset: 5n }, startedAtMs: 1_000 }, { startedAtMs: 1_000 }],
  })
  attempts[0]!.resolve(returned)
  await until(() => partition().oldestMs === 600, { ...within, what: 'the next one to be the oldest' })
  expect(loop.progress()!.attempts).toHaveLength(1)
  commits.fails = true
  clock.advanceTo(3_300)
  expect(partition().committed).toBe(5n)
  commits.fails = false
  await until(
    () => {
      clock.advanceTo(clock.now() + 200)
      return partition().committed === 6n
    },
    { ...within, what: 'the commit' },
  )
  attempts[1]!.resolve(returned)
  await until(() => partition().oldestMs === undefined, { ...within, what: 'both to be finished' })
})

test('a blocked partition says since when, its vain tries included, until the record is finished', async () => {
  const { loop, clock, attempts, record, partition } = await setUp()
  const outage = { kind: 'threw', type: '', id: '', error: new RegistryUnavailable('gone') }
  await loop.onRecords([record(5n), record(6n)], async () => {})
  attempts[0]!.resolve(outage)
  const since = { reason: 'registry', sinceMs: 1_000 }
  await until(() => partition().blocked, { ...within, what: 'it to be blocked' })
  expect(partition()).toMatchObject({ blocked: since, paused: ['blocked'] })
  expect(loop.progress()!.attempts).toHaveLength(1)
  clock.advanceTo(1_200)
  await until(() => attempts.length === 3, { ...within, what: 'the second try' })
  attempts[1]!.resolve(returned)
  attempts[2]!.resolve(outage)
  await until(() => partition().paused.length === 1, { ...within, what: 'it to be blocked again' })
  expect(partition().blocked).toEqual(since)
  clock.advanceTo(5_000)
  await until(() => attempts.length === 4, { ...within, what: 'the third try' })
  attempts[3]!.resolve(returned)
  await until(() => partition().unfinished === 0, { ...within, what: 'it to be finished' })
  expect(partition()).toMatchObject({ blocked: undefined, paused: [] })
})
