/**
 * A record over a guard is dead-lettered before anything looks into it, whole where it fits. What is too large for the DLQ
 * is buried without what does not fit, and says so; nothing holds the partition.
 */
import { randomBytes } from 'node:crypto'
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
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

test('what is over a guard and too large for the DLQ is buried without what does not fit', async () => {
  const { prepare, run, drained, put, encode, records, trails, heard, admin } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const limits = { maxRecordBytes: 1_000_000, maxHeaders: 50_000, maxHeaderBytes: 1_000_000 }
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { limits, retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const blocked = heard('partition.blocked')
  // More than the DLQ takes, however it is compressed.
  await admin.alterConfig(steps.name, { 'max.message.bytes': '4000000' })

  const value = await encode(opened, { id: 'a', n: 1 })
  await put(steps.name, { key: 'a', value: randomBytes(3_000_000) })
  const headers = headersOf(20_000, 100).map(([name]) => [name, randomBytes(100)] as const)
  await put(steps.name, { key: 'k', value, headers })
  await put(steps.name, { key: 'a', value })
  await run([reader])
  await drained(reader)

  expect(handled).toEqual([1])
  const letters = (await trails(reader.ladder.dlq)).toSorted((a, b) => Number(a.origin.offset - b.origin.offset))
  expect(letters).toMatchObject([
    { disposition: 'refused', leftOut: 'value of 3000000 bytes' },
    { disposition: 'refused', leftOut: '20000 headers of 2108890 bytes' },
  ])
  expect(letters.map(({ failure }) => failure?.message)).toEqual([
    '3000001 bytes, of 1000000 at most (limits.maxRecordBytes)',
    '2108890 bytes of headers, of 1000000 at most (limits.maxHeaderBytes)',
  ])
  const withoutHeaders = (await records(reader.ladder.dlq)).filter(letter => letter.key?.toString() === 'k')
  expect(withoutHeaders.map(letter => letter.value)).toEqual([value])
  expect(blocked).toEqual([])
})

test('what is over a guard and was small on the wire is buried whole: small again', async () => {
  const { prepare, run, drained, put, encode, records, trails, heard } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const blocked = heard('partition.blocked')
  await writeBatch(steps.name, 'gzip', 1, await bombOf(20_000_000, 'gzip'))
  await put(steps.name, { key: 'a', value: await encode(opened, { id: 'a', n: 1 }) })
  await run([reader])
  await drained(reader)
  expect(handled).toEqual([1])
  const [letter] = await records(reader.ladder.dlq)
  expect(letter?.value?.equals(Buffer.alloc(20_000_000))).toBe(true)
  const message = '20000000 bytes, of 16777216 at most (limits.maxRecordBytes)'
  expect(await trails(reader.ladder.dlq)).toMatchObject([{ disposition: 'refused', failure: { message } }])
  expect(blocked).toEqual([])
})
