import { expect, test } from 'vitest'
import { estimateLines } from '../../src/command/replay-words.ts'
import { estimate } from '../../src/replay/estimate.ts'
import { stage } from './stage.ts'

const speed = { ratePerSecond: undefined, concurrency: 64 }

test('a small range is counted by reading it', async () => {
  const { broker, publish, plan, processorOf } = await stage({ partitions: 2 })
  await publish(['a', 'b', 'c'], 1, 4)
  const processor = processorOf(() => {})
  const all = await plan(processor)
  expect(await estimate(broker.reader(), all)).toMatchObject({ offsets: 12n, records: 12n, isWhole: true })
  const ofOne = await plan(processor, { key: 'b' })
  const found = await estimate(broker.reader(), ofOne)
  expect(found).toMatchObject({ offsets: 12n, records: 4n, isWhole: true, sampledRecords: 12 })
  expect(estimateLines(ofOne, found, speed)[0]).toBe('walk: 4 records with this key to handle, at 12 offsets (counted)')
})

test('of a large one a sample is read, and the plan says so', async () => {
  const { broker, plan, processorOf } = await stage({ partitions: 2 })
  const producer = broker.producer()
  for (const partition of [0, 1]) {
    const records = Array.from({ length: 15_000 }, (_, i) => {
      const key = Buffer.from(i % 5 === 0 ? 'wanted' : 'other')
      return { topic: 'steps', partition, key, value: null, headers: [] }
    })
    await producer.sendBatch('steps', partition, records)
  }
  const planned = await plan(
    processorOf(() => {}),
    { key: 'wanted' },
  )
  const found = await estimate(broker.reader(), planned)
  expect(found).toMatchObject({ offsets: 30_000n, sampledOffsets: 20_002n, sampledRecords: 20_002, isWhole: false })
  expect(Number(found.records)).toBeCloseTo(6_000, -2)
  expect(found.readPerSecond).toBeGreaterThan(1_000)
  const [first, ...times] = estimateLines(planned, { ...found, records: 6_000n, readPerSecond: 50_000 }, speed)
  expect(first).toMatch(
    /^walk: about 6,000 records with this key to handle, at 30,000 offsets \(estimated from the first 20,002 /,
  )
  expect(times).toEqual([
    '  at least 120 ms: the sample was read at 50,000/s',
    expect.stringMatching(/^ {2}each millisecond that a handler takes is 94 ms more/),
  ])
  const [, paced] = estimateLines(planned, { ...found, records: 6_000n }, { ...speed, ratePerSecond: 10 })
  expect(paced).toBe('  at least 10 min: --rate 10/s')
})

test('what takes offsets without being a record is no record', async () => {
  const { broker, publish, plan, processorOf } = await stage({ partitions: 1 })
  await publish(['a'], 1, 10)
  const reader = broker.reader()
  // As it is when every other offset is a marker of a transaction.
  const sparse: typeof reader = {
    ...reader,
    read: (range, onRecord) => reader.read(range, record => (record.offset % 2n === 0n ? onRecord(record) : undefined)),
  }
  expect(await estimate(sparse, await plan(processorOf(() => {})))).toMatchObject({ offsets: 10n, records: 5n })
})

test('nothing to replay is said', async () => {
  const { broker, plan, processorOf } = await stage()
  const planned = await plan(processorOf(() => {}))
  expect(estimateLines(planned, await estimate(broker.reader(), planned), speed)).toEqual(['walk: nothing to replay'])
})
