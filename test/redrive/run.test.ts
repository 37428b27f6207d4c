import { expect, test } from 'vitest'
import type { BatchProducer, Broker, BrokerRecord } from '../../src/broker/port.ts'
import { decodeMoved } from '../../src/dlq/moved.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import { type RedriveOptions, runRedrive } from '../../src/redrive/run.ts'
import { readTrail } from '../../src/topic/trail.ts'
import { brokerWithTopics, bury, buryForeign, group, sourceOf, valuesOf } from '../dlq/letters.ts'

const target = `${group}.retry.0s`
const options: RedriveOptions = { runId: 'run-1', who: 'ann@host', reason: 'fixed', batchLetters: 4, clock: () => 5 }

function redrive(broker: Broker, more: Partial<RedriveOptions> = {}, producer = broker.producer()) {
  return runRedrive(sourceOf(broker), producer, { ...options, ...more })
}

async function recordsOf(broker: Broker, topic: string, partition: number): Promise<BrokerRecord[]> {
  const records: BrokerRecord[] = []
  await broker.reader().read({ topic, partition, from: 0n, to: 1_000_000n }, record => void records.push(record))
  return records
}

test('every letter goes to the same partition of retry.0s, in order, and is no letter any more', async () => {
  const broker = await brokerWithTopics(3)
  await bury(broker, 0, 10)
  await bury(broker, 2, 3)
  const progress: string[] = []
  const result = await redrive(broker, { onProgress: (moved, total) => void progress.push(`${moved}/${total}`) })
  expect(result).toEqual({ runId: 'run-1', moved: 13, stayed: 0, interrupted: false })
  expect(await valuesOf(broker, target, 0)).toEqual(Array.from({ length: 10 }, (_, i) => `0:${i}`))
  expect(await valuesOf(broker, target, 1)).toEqual([])
  expect(await valuesOf(broker, target, 2)).toEqual(['2:0', '2:1', '2:2'])
  expect(progress).toEqual(['4/13', '8/13', '10/13', '13/13'])
  expect((await countLetters(sourceOf(broker))).left).toBe(0)
})

test('a copy keeps bytes, own headers, origin and failure; attempts start again', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 1, { trail: { redriveCount: 2, redriveId: 'before', dueAtMs: 7, untilMs: 8 } })
  const [letter] = await recordsOf(broker, `${group}.dlq`, 0)
  await redrive(broker)
  const [copy] = await recordsOf(broker, target, 0)
  expect(copy!.key).toEqual(letter!.key)
  expect(copy!.value).toEqual(letter!.value)
  expect(copy!.headers.slice(0, 3)).toEqual(letter!.headers.slice(0, 3))
  expect(readTrail(copy!.headers)).toEqual({
    origin: readTrail(letter!.headers)!.origin,
    firstFailedAtMs: 1_700_000_000_500,
    group,
    attempt: 0,
    hop: 6,
    failure: { class: 'TypeError', message: 'x is undefined', stack: 'at f', fingerprint: 'abc123' },
    redriveId: 'run-1',
    redriveCount: 3,
  })
})

test('what was moved is on record: run, time, who, why and which offsets', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  await redrive(broker)
  const moved = (await recordsOf(broker, `${group}.dlq.moved`, 0)).map(record => decodeMoved(record.value))
  const base = {
    kind: 'redriven',
    runId: 'run-1',
    atMs: 5,
    who: 'ann@host',
    reason: 'fixed',
    filter: 'all',
    target,
    partition: 0,
  }
  expect(moved).toEqual([
    { ...base, ranges: [[0n, 4n]] },
    { ...base, ranges: [[4n, 5n]] },
  ])
})

test('letters without a trail or without their value stay, and are not recorded as moved', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 2)
  await buryForeign(broker, 0)
  await bury(broker, 0, 1, { from: 2, trail: { disposition: 'oversize' } })
  await bury(broker, 0, 1, { from: 3 })
  expect(await redrive(broker)).toMatchObject({ moved: 3, stayed: 2, interrupted: false })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0', '0:1', '0:3'])
  expect((await countLetters(sourceOf(broker))).left).toBe(2)
  expect(await redrive(broker)).toMatchObject({ moved: 0, stayed: 2 })
})

test('a batch stays below its bytes; a larger letter goes alone', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 6)
  const sizes: number[] = []
  const producer = spy(broker.producer(), async (topic, count) => void (topic === target && sizes.push(count)))
  await redrive(broker, { batchLetters: 100, batchBytes: 1 }, producer)
  expect(sizes).toEqual([1, 1, 1, 1, 1, 1])
})

/** Fails every call from the `n`th on, before (nothing written) or after (written, not acknowledged) it reaches the broker. */
function failingFrom(producer: BatchProducer, n: number, when: 'before' | 'after'): BatchProducer {
  let calls = 0
  return {
    ...producer,
    async sendBatch(topic, partition, records) {
      const fails = ++calls >= n
      if (fails && when === 'before') throw new BrokerUnavailable('gone')
      const offset = await producer.sendBatch(topic, partition, records)
      if (fails) throw new BrokerUnavailable('gone')
      return offset
    },
  }
}

function spy(producer: BatchProducer, onSend: (topic: string, count: number) => Promise<void>): BatchProducer {
  return {
    ...producer,
    sendBatch: async (topic, partition, records) => {
      await onSend(topic, records.length)
      return producer.sendBatch(topic, partition, records)
    },
  }
}

// 10 letters in partition 0 and 3 in partition 1 are 4 batches of at most 4: calls 1, 3, 5, 7 copy, calls 2, 4, 6, 8 record.
const total = 13
async function buried(): Promise<Broker> {
  const broker = await brokerWithTopics(2)
  await bury(broker, 0, 10)
  await bury(broker, 1, 3)
  return broker
}
const all = [...Array.from({ length: 10 }, (_, i) => `0:${i}`), '1:0', '1:1', '1:2']
const copied = async (broker: Broker) => [...(await valuesOf(broker, target, 0)), ...(await valuesOf(broker, target, 1))]

test.each([1, 3, 5, 7])(
  'copying fails at call %i: only what was acknowledged is recorded; a second run moves the rest, each once',
  async n => {
    const broker = await buried()
    await expect(redrive(broker, {}, failingFrom(broker.producer(), n, 'before'))).rejects.toMatchObject({
      code: 'E_BROKER_UNAVAILABLE',
    })
    const before = await copied(broker)
    expect((await countLetters(sourceOf(broker))).left).toBe(total - before.length)
    expect(await redrive(broker, { runId: 'run-2' })).toMatchObject({ moved: total - before.length })
    expect((await copied(broker)).sort()).toEqual([...all].sort())
    expect(await valuesOf(broker, target, 0)).toEqual(all.slice(0, 10))
    expect(await redrive(broker, { runId: 'run-3' })).toMatchObject({ moved: 0 })
  },
)

test.each([
  [2, 'before'],
  [6, 'before'],
  [1, 'after'],
  [5, 'after'],
  [8, 'before'],
] as const)(
  'call %i fails %s it was written, between copy and record: one batch is doubled, no letter is lost',
  async (n, when) => {
    const broker = await buried()
    await expect(redrive(broker, {}, failingFrom(broker.producer(), n, when))).rejects.toMatchObject({
      code: 'E_BROKER_UNAVAILABLE',
    })
    await redrive(broker, { runId: 'run-2' })
    const copies = await copied(broker)
    expect([...new Set(copies)].sort()).toEqual([...all].sort())
    expect(copies.length - total).toBeGreaterThan(0)
    expect(copies.length - total).toBeLessThanOrEqual(4)
    expect((await countLetters(sourceOf(broker))).left).toBe(0)
  },
)

test('an abort finishes the batch begun, records it and says that letters are left', async () => {
  const broker = await buried()
  const stop = new AbortController()
  const result = await redrive(broker, { signal: stop.signal, onProgress: () => stop.abort() })
  expect(result).toMatchObject({ moved: 4, interrupted: true })
  expect((await countLetters(sourceOf(broker))).left).toBe(total - 4)
  expect(await redrive(broker, { runId: 'run-2' })).toMatchObject({ moved: total - 4, interrupted: false })
  expect((await copied(broker)).sort()).toEqual([...all].sort())
})

test('letters that fail again during the run are not moved twice', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  const producer = spy(broker.producer(), async topic => {
    if (topic === target) await bury(broker, 0, 1, { from: 100 })
  })
  expect(await redrive(broker, {}, producer)).toMatchObject({ moved: 5 })
})

test('a target with too few partitions is found before anything is moved', async () => {
  const broker = await brokerWithTopics(3, 2)
  await bury(broker, 0, 1)
  expect(await redrive(broker)).toMatchObject({ moved: 1 })
  await bury(broker, 0, 1, { from: 1 })
  await bury(broker, 2, 1)
  await expect(redrive(broker)).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringMatching(/spend\.retry\.0s has 2 partitions.*partition 2.*spillway topic apply/),
  })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0'])
})
