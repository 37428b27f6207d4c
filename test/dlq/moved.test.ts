import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { decodeMoved, encodeMoved, movedRecord, readMoved } from '../../src/dlq/moved.ts'

const record = {
  kind: 'redriven',
  runId: 'run-1',
  atMs: Date.parse('2026-11-22T10:00:00.000Z'),
  who: 'ann@host',
  reason: 'mailer is back',
  filter: 'all',
  target: 'spend.retry.0s',
  partition: 2,
  ranges: [
    [0n, 5n],
    [7n, 2n ** 60n],
  ],
} as const

test('what was moved is JSON of version 1, with offsets as strings and ends exclusive', () => {
  expect(JSON.parse(encodeMoved(record).toString())).toEqual({
    v: 1,
    kind: 'redriven',
    runId: 'run-1',
    at: '2026-11-22T10:00:00.000Z',
    who: 'ann@host',
    reason: 'mailer is back',
    filter: 'all',
    target: 'spend.retry.0s',
    partition: 2,
    ranges: [
      ['0', '5'],
      ['7', '1152921504606846976'],
    ],
  })
  expect(decodeMoved(encodeMoved(record))).toEqual(record)
})

const foreign: (string | null)[] = [
  null,
  '',
  'garbage',
  'null',
  '[]',
  '{"v":2,"partition":0,"ranges":[["0","9"]]}',
  '{"v":1,"partition":-1,"ranges":[["0","9"]]}',
  '{"v":1,"partition":"0","ranges":[["0","9"]]}',
  '{"v":1,"partition":0,"ranges":"all"}',
  '{"v":1,"partition":0,"ranges":[["0","9"],["x","9"]]}',
  '{"v":1,"partition":0,"ranges":[[0,9]]}',
  '{"v":1,"partition":0,"ranges":[["9","0"]]}',
]

test.each(foreign)('%j moves nothing', text => {
  expect(decodeMoved(text === null ? null : Buffer.from(text))).toBeUndefined()
})

test('the union over all partitions of the topic is read; records of others are counted', async () => {
  const broker = memoryBroker()
  const admin = broker.admin()
  await admin.createTopics([{ name: 'spend.dlq.moved', partitions: 2, replicationFactor: 1, config: {} }])
  const producer = broker.producer()
  const source = { reader: broker.reader(), admin, group: 'spend' }
  const first = movedRecord(source, record)
  await producer.sendBatch(first.topic, first.partition, [first])
  await producer.sendBatch(first.topic, 1, [
    { ...first, partition: 1, value: Buffer.from('garbage') },
    { ...first, partition: 1, value: encodeMoved({ ...record, ranges: [[5n, 7n]] }) },
  ])
  const moved = await readMoved(source)
  expect(moved.unreadable).toBe(1)
  expect(moved.ranges.ranges(2)).toEqual([[0n, 2n ** 60n]])
})

test('without the topic nothing was moved', async () => {
  const broker = memoryBroker()
  const moved = await readMoved({ reader: broker.reader(), admin: broker.admin(), group: 'spend' })
  expect(moved.unreadable).toBe(0)
  expect(moved.ranges.has(0, 0n)).toBe(false)
})
