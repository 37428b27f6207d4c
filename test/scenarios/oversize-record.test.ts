/**
 * A record over a guard is dead-lettered before anything looks into it, whole where it fits. What is too large for the DLQ, as
 * only a record that came compressed can be, is buried without what does not fit, and says so; nothing holds the partition.
 */
import zlib from 'node:zlib'
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { encodeRecord } from '../../src/broker/kafkajs/patch-record.ts'
import type { Headers } from '../../src/message/headers.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'
import { bombOf, writeBatch } from './raw-batch.ts'

const headersOf = (count: number, bytes: number): Headers =>
  Array.from({ length: count }, (_, i) => [`h${i}`, Buffer.alloc(bytes, i % 10)] as const)

test('20,000 headers are refused at once and buried with every one of them', async () => {
  const { prepare, run, drained, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))])
  await prepare([reader])
  const value = await encode(opened, { id: 'a', n: 1 })
  const headers = headersOf(20_000, 1)
  await put(steps.name, { key: 'a', value, headers })
  await put(steps.name, { key: 'a', value })
  const began = performance.now()
  await run([reader])
  await drained(reader)
  console.log(
    `20,000 headers: refused and the next record handled within ${(performance.now() - began).toFixed(0)} ms, join included`,
  )

  expect(handled).toEqual([1])
  const [letter] = await records(reader.ladder.dlq)
  expect(letter?.value).toEqual(value)
  expect(letter?.headers.slice(0, 20_000)).toEqual(headers)
  const message = '20000 headers, of 1000 at most (limits.maxHeaders)'
  expect(await trails(reader.ladder.dlq)).toMatchObject([
    { disposition: 'refused', origin: { offset: 0n }, failure: { message } },
  ])
})

test('what is too large for the DLQ is buried without what does not fit', async () => {
  const { prepare, run, drained, put, encode, records, trails, heard } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const limits = { maxHeaders: 50_000, maxHeaderBytes: 1_000_000 }
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { limits, retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const blocked = heard('partition.blocked')

  const value = await encode(opened, { id: 'a', n: 1 })
  // Each some KB on the wire: of an unknown schema, over the guard for records, over that for headers.
  await writeBatch(steps.name, 'gzip', 1, await bombOf(3_000_000, 'gzip'))
  await writeBatch(steps.name, 'gzip', 1, await bombOf(20_000_000, 'gzip'))
  const { buffer } = encodeRecord({ key: Buffer.from('k'), value, headers: headersOf(20_000, 100) })
  await writeBatch(steps.name, 'gzip', 1, zlib.gzipSync(buffer))
  await put(steps.name, { key: 'a', value })
  await run([reader])
  await drained(reader)

  expect(handled).toEqual([1])
  const letters = (await trails(reader.ladder.dlq)).toSorted((a, b) => Number(a.origin.offset - b.origin.offset))
  expect(letters).toMatchObject([
    { disposition: 'oversize', leftOut: 'value of 3000000 bytes', failure: { class: 'UnknownSchemaId' } },
    { disposition: 'refused', leftOut: 'value of 20000000 bytes' },
    { disposition: 'refused', leftOut: '20000 headers of 2108890 bytes' },
  ])
  expect(letters.slice(1).map(({ failure }) => failure?.message)).toEqual([
    '20000000 bytes, of 16777216 at most (limits.maxRecordBytes)',
    '2108890 bytes of headers, of 1000000 at most (limits.maxHeaderBytes)',
  ])
  const withoutHeaders = (await records(reader.ladder.dlq)).filter(letter => letter.key?.toString() === 'k')
  expect(withoutHeaders.map(letter => letter.value)).toEqual([value])
  expect(blocked).toEqual([])
})

test('a record whose retry is too large for its tier becomes a dead letter', async () => {
  const { prepare, run, drained, encode, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const failing = () => {
    throw new Error('no')
  }
  const reader = consumer(unique('reader'), [on(opened, failing)], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const value = await encode(opened, { id: 'a', n: 1, note: 'x'.repeat(2_000_000) })
  const { buffer } = encodeRecord({ key: Buffer.from('a'), value })
  await writeBatch(steps.name, 'gzip', 1, zlib.gzipSync(buffer))
  await run([reader])
  await drained(reader)
  expect(await trails(reader.ladder.dlq)).toMatchObject([
    { disposition: 'oversize', attempt: 1, leftOut: `value of ${value.length} bytes`, failure: { message: 'no' } },
  ])
})
