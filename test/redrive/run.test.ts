import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Broker, BrokerRecord, TransactionalProducer } from '../../src/broker/port.ts'
import { decodeMoved } from '../../src/dlq/moved.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { selectionOf } from '../../src/dlq/selection.ts'
import { BrokerUnavailable, TransactionTooLong } from '../../src/errors.ts'
import { type RedriveOptions, runRedrive } from '../../src/redrive/run.ts'
import { readTrail } from '../../src/topic/trail.ts'
import { brokerWithTopics, bury, buryForeign, buryValue, group, producerOf, sourceOf, valuesOf } from '../dlq/letters.ts'

const target = `${group}.retry.0s`
const options: RedriveOptions = { runId: 'run-1', who: 'ann@host', reason: 'fixed', batchLetters: 4, clock: () => 5 }

function redrive(broker: Broker, more: Partial<RedriveOptions> = {}, producer = producerOf(broker)) {
  return runRedrive(sourceOf(broker), producer, { ...options, ...more })
}

async function recordsOf(broker: Broker, topic: string, partition: number): Promise<BrokerRecord[]> {
  const records: BrokerRecord[] = []
  await broker.reader().read({ topic, partition, from: 0n, to: 1_000_000n }, record => void records.push(record))
  return records
}

const movedOf = async (broker: Broker) =>
  (await recordsOf(broker, `${group}.dlq.moved`, 0)).map(record => decodeMoved(record.value))

test('every letter goes to the same partition of retry.0s, in order, and is no letter any more', async () => {
  const broker = await brokerWithTopics(3)
  await bury(broker, 0, 10)
  await bury(broker, 2, 3)
  const progress: string[] = []
  const result = await redrive(broker, { onProgress: (moved, total) => void progress.push(`${moved}/${total}`) })
  expect(result).toEqual({ runId: 'run-1', moved: 13, stayed: 0, tooLarge: 0, interrupted: false })
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
  expect(await movedOf(broker)).toEqual([
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
  await bury(broker, 0, 1, { from: 4, trail: { leftOut: 'value of 9 bytes' } })
  await bury(broker, 0, 1, { from: 5, trail: { batchLastOffset: 9n } })
  expect(await redrive(broker)).toMatchObject({ moved: 3, stayed: 4, interrupted: false })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0', '0:1', '0:3'])
  expect((await countLetters(sourceOf(broker))).left).toBe(4)
  expect(await redrive(broker)).toMatchObject({ moved: 0, stayed: 4 })
})

test('letters that were redriven as often as is allowed stay', async () => {
  const broker = await brokerWithTopics(1)
  for (const redriveCount of [0, 1, 2]) await bury(broker, 0, 1, { from: redriveCount, trail: { redriveCount } })
  expect(await redrive(broker, { maxRedrives: 2 })).toMatchObject({ moved: 2, stayed: 1 })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0', '0:1'])
})

/** Fails the `n`th transaction: as it is sent, or after it was committed, with nobody told. */
function failingAt(producer: TransactionalProducer, n: number, when: 'send' | 'committed'): TransactionalProducer {
  let begun = 0
  return {
    ...producer,
    async send(records) {
      if (++begun >= n && when === 'send') throw new BrokerUnavailable('gone')
      await producer.send(records)
    },
    async commit() {
      await producer.commit()
      if (begun >= n) throw new BrokerUnavailable('gone')
    },
  }
}

// 10 letters in partition 0 and 3 in partition 1 are 4 transactions of at most 4.
const total = 13
async function buried(): Promise<Broker> {
  const broker = await brokerWithTopics(2)
  await bury(broker, 0, 10)
  await bury(broker, 1, 3)
  return broker
}
const all = [...Array.from({ length: 10 }, (_, i) => `0:${i}`), '1:0', '1:1', '1:2']
const copied = async (broker: Broker) => [...(await valuesOf(broker, target, 0)), ...(await valuesOf(broker, target, 1))]

test.each([
  [1, 'send'],
  [3, 'send'],
  [4, 'send'],
  [1, 'committed'],
  [2, 'committed'],
  [4, 'committed'],
] as const)(
  'transaction %i fails (%s): what is copied is recorded, and a second run moves the rest, each once',
  async (n, when) => {
    const broker = await buried()
    await expect(redrive(broker, {}, failingAt(producerOf(broker), n, when))).rejects.toMatchObject({
      code: 'E_BROKER_UNAVAILABLE',
    })
    const before = await copied(broker)
    expect((await countLetters(sourceOf(broker))).left).toBe(total - before.length)
    expect(await redrive(broker, { runId: 'run-2' })).toMatchObject({ moved: total - before.length })
    expect(await copied(broker)).toEqual(all)
    expect(await redrive(broker, { runId: 'run-3' })).toMatchObject({ moved: 0 })
  },
)

test('a second run ends the first, which says so; together they move each letter once', async () => {
  const broker = await buried()
  const producer = producerOf(broker)
  let sent = 0
  const send: typeof producer.send = async records => {
    if (++sent === 2) await redrive(broker, { runId: 'run-2' })
    return producer.send(records)
  }
  const closed: string[] = []
  const close = async () => void closed.push('closed')
  await expect(redrive(broker, {}, { ...producer, send, close })).rejects.toMatchObject({
    code: 'E_FENCED',
    message: expect.stringMatching(/another redrive or purge of 'spend' has begun/),
  })
  expect(await copied(broker)).toEqual(all)
  expect((await movedOf(broker)).map(moved => moved!.runId)).toEqual(['run-1', 'run-2', 'run-2', 'run-2'])
  expect(closed).toEqual(['closed'])
})

test('the producer is connected before it is read what was moved', async () => {
  const broker = await buried()
  const producer = producerOf(broker)
  // Another run commits its last transaction just before this one fences it.
  const connect = async () => {
    await redrive(broker, { runId: 'run-0' })
    await producer.connect()
  }
  expect(await redrive(broker, {}, { ...producer, connect })).toMatchObject({ moved: 0 })
  expect(await copied(broker)).toEqual(all)
})

test('an abort finishes the batch begun, records it and says that letters are left', async () => {
  const broker = await buried()
  const stop = new AbortController()
  const result = await redrive(broker, { signal: stop.signal, onProgress: () => stop.abort() })
  expect(result.interrupted).toBe(true)
  expect(result.moved).toBeLessThan(total)
  expect((await countLetters(sourceOf(broker))).left).toBe(total - result.moved)
  expect(await redrive(broker, { runId: 'run-2' })).toMatchObject({ moved: total - result.moved, interrupted: false })
  expect(await copied(broker)).toEqual(all)
})

test('letters that fail again during the run are not moved twice', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  const producer = producerOf(broker)
  const commit = async () => {
    await producer.commit()
    await bury(broker, 0, 1, { from: 100 })
  }
  expect(await redrive(broker, {}, { ...producer, commit })).toMatchObject({ moved: 5 })
})

test('a target that lacks a partition stops the run before anything goes there', async () => {
  const broker = await brokerWithTopics(3, 2)
  await bury(broker, 0, 1)
  await bury(broker, 2, 1)
  await expect(redrive(broker)).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringMatching(/spend\.retry\.0s has 2 partitions.*partition 2.*spillway topic apply/),
  })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0'])
  expect((await countLetters(sourceOf(broker))).left).toBe(1)
})

test('a choice of letters by where they lie does not ask for partitions of others', async () => {
  const broker = await brokerWithTopics(3, 1)
  await bury(broker, 0, 2)
  await bury(broker, 2, 2)
  const ranges = [{ partition: 0, from: 1n, to: 2n }]
  const selection = selectionOf(
    [{ on: 'address', ranges, words: 'address=0:1' }],
    Number.POSITIVE_INFINITY,
    async () => undefined,
  )
  expect(await redrive(broker, { selection })).toMatchObject({ moved: 1 })
  expect((await movedOf(broker))[0]).toMatchObject({ filter: 'address=0:1', ranges: [[1n, 2n]] })
})

/** Tells how many copies each transaction has; rejects those that `refuses`. */
function counting(
  producer: TransactionalProducer,
  sizes: number[],
  refuses: (copies: number) => Error | undefined = () => undefined,
) {
  const send: typeof producer.send = async records => {
    const copies = records.length - 1
    const error = refuses(copies)
    if (error) throw error
    await producer.send(records)
    sizes.push(copies)
  }
  return { ...producer, send }
}

test('a transaction stays below its bytes; a larger letter goes alone', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 6)
  const sizes: number[] = []
  await redrive(broker, { batchLetters: 100, batchBytes: 1 }, counting(producerOf(broker), sizes))
  expect(sizes).toEqual([1, 1, 1, 1, 1, 1])
})

test('a transaction that takes too long is given up, what follows is smaller, and grows again', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 60)
  const sizes: number[] = []
  let slowUntil = 5
  const slow = counting(producerOf(broker), sizes, copies =>
    copies > 3 && slowUntil-- > 0 ? new TransactionTooLong('slow') : undefined,
  )
  expect(await redrive(broker, { batchLetters: 10 }, slow)).toMatchObject({ moved: 60 })
  expect(sizes.slice(0, 4)).toEqual([3, 2, 3, 2])
  expect(sizes.at(-2)).toBe(10)
  expect(await valuesOf(broker, target, 0)).toEqual(Array.from({ length: 60 }, (_, i) => `0:${i}`))
  const stuck = counting(producerOf(broker), [], () => new TransactionTooLong('slow'))
  await bury(broker, 0, 2)
  await expect(redrive(broker, {}, stuck)).rejects.toMatchObject({ code: 'E_TRANSACTION_TOO_LONG' })
})

test('a letter that is too large for its topic stays, and the others beside it go', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 3)
  await buryValue(broker, 0, randomBytes(4_000))
  await bury(broker, 0, 3, { from: 3 })
  await broker.admin().alterConfig(target, { 'max.message.bytes': '2500' })
  expect(await redrive(broker, { batchLetters: 100 })).toMatchObject({ moved: 6, stayed: 1, tooLarge: 1 })
  expect(await valuesOf(broker, target, 0)).toEqual(['0:0', '0:1', '0:2', '0:3', '0:4', '0:5'])
  expect((await countLetters(sourceOf(broker))).left).toBe(1)
})

test('a rate is kept to, in small portions', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 50)
  let nowMs = 1_000
  const sent: [atMs: number, copies: number][] = []
  const producer = producerOf(broker)
  const send: typeof producer.send = async records => {
    sent.push([nowMs - 1_000, records.length - 1])
    // What it takes itself is no reason to be slower.
    nowMs += 10
    return producer.send(records)
  }
  const pause = async (ms: number) => {
    nowMs += ms
  }
  const rated = { rate: 400, batchLetters: 2_000, clock: () => nowMs, pause }
  expect(await redrive(broker, rated, { ...producer, send })).toMatchObject({ moved: 50 })
  expect(sent).toEqual([
    [0, 10],
    [25, 10],
    [50, 10],
    [75, 10],
    [100, 10],
  ])
})

test('an abort does not wait for the next turn of a rate', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 50)
  const stop = new AbortController()
  const startedAt = performance.now()
  const result = await redrive(broker, { rate: 1, batchLetters: 1, signal: stop.signal, onProgress: () => stop.abort() })
  expect(result).toMatchObject({ interrupted: true })
  expect(result.moved).toBeLessThan(5)
  expect(performance.now() - startedAt).toBeLessThan(900)
})
