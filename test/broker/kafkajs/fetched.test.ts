import zlib from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { batchLimits } from '../../../src/broker/kafkajs/decompress.ts'
import type { FetchedPartition } from '../../../src/broker/kafkajs/internals.ts'
import { library } from '../../../src/broker/kafkajs/library.ts'
import { fetchedDecoder } from '../../../src/broker/kafkajs/patch-fetched.ts'
import { beginsBefore, nextOffset, toRecord } from '../../../src/broker/kafkajs/records.ts'
import { answerOf, batchBytes, recordsBytes } from './fetched-bytes.ts'

const defaults = { ...batchLimits }
afterEach(() => void Object.assign(batchLimits, defaults))

const never = () => Promise.reject(new Error('an old format that is broken'))
const decode = (...entries: readonly Buffer[]) => fetchedDecoder(never)(answerOf(...entries))
const plain = (base: bigint, ...values: string[]) => batchBytes({ base, count: values.length, body: recordsBytes(values) })
const gzipped = (base: bigint, body: Buffer, count: number) => batchBytes({ base, codec: 1, count, body: zlib.gzipSync(body) })

test('a batch that is too large inside becomes one stand-in at its last offset; its neighbours are whole', async () => {
  batchLimits.maxBytes = 100_000
  const bomb = gzipped(2n, Buffer.alloc(100_001), 5)
  const messages = await decode(plain(0n, 'a', 'b'), bomb, plain(7n, 'c'))
  expect(messages.map(({ offset, value }) => `${offset} ${value}`)).toEqual(['0 a', '1 b', '6 null', '7 c'])
  expect(messages[2]!.unreadable).toEqual({
    firstOffset: '2',
    codec: 'gzip',
    bytes: bomb.length,
    reason: 'more than 100000 bytes when decompressed',
  })
})

test.each([
  ['compressed bytes that are none', batchBytes({ codec: 1, count: 3, body: Buffer.from('no gzip') }), /header/],
  ['a codec that nobody knows', batchBytes({ codec: 6, count: 3, body: Buffer.alloc(9) }), /codec 6/],
  ['more records than it has', batchBytes({ count: 3, body: recordsBytes(['a']), lastOffsetDelta: 2 }), /claimed|length|past/],
  ['more records than bytes', batchBytes({ count: 2 ** 31 - 1, body: recordsBytes(['a']) }), /2147483647 records were claimed/],
  ['a negative number of records', batchBytes({ count: -7, body: recordsBytes(['a']) }), /claimed/],
  ['a record that is cut off', batchBytes({ count: 1, body: recordsBytes(['abc']).subarray(0, 8) }), /past the end/],
  [
    'a header whose name has less than no bytes',
    batchBytes({ count: 1, body: Buffer.from([18, 0, 0, 0, 1, 1, 2, 1, 0, 0]) }),
    /length is none/,
  ],
  [
    'a length of six bytes',
    batchBytes({ count: 1, body: Buffer.from([28, 0, 0, 0, 1, 1, 2, 128, 128, 128, 128, 128, 1, 1, 0]) }),
    /length is none/,
  ],
  ['a record with a lie inside', batchBytes({ count: 1, body: Buffer.from([12, 0, 0, 0, 1, 50, 0]) }), /longer or shorter/],
])('%s: a stand-in', async (_, bytes, reason) => {
  const [message, ...others] = await decode(bytes)
  expect(others).toEqual([])
  expect(message!.unreadable?.reason).toMatch(reason)
  expect(message).toMatchObject({ key: null, value: null, pairs: [] })
})

test('records and headers are counted together, and bounded', async () => {
  batchLimits.maxItems = 100
  const headers = Array.from({ length: 9 }, (_, i): [string, Buffer] => [`h${i}`, Buffer.from('v')])
  const of = (count: number) =>
    batchBytes({ count, body: recordsBytes(Array.from({ length: count }, String), headers) }) // biome-ignore format: one line
  expect(await decode(of(10))).toHaveLength(10)
  expect(await decode(batchBytes({ count: 100, body: recordsBytes(Array.from({ length: 100 }, String)) }))).toHaveLength(100)
  expect((await decode(of(11)))[0]!.unreadable?.reason).toMatch(/headers/)
  const huge = Array.from({ length: 101 }, (): [string, null] => ['', null])
  expect((await decode(batchBytes({ count: 1, body: recordsBytes(['x'], huge) })))[0]!.unreadable?.reason).toMatch(/101 headers/)
})

test('a batch of 250,000 records is decoded, and the event loop turns meanwhile', async () => {
  const count = 250_000
  const one = recordsBytes(['v'])
  const body = Buffer.concat(Array.from({ length: count }, () => one))
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const messages = await decode(batchBytes({ count, body }))
  clearInterval(timer)
  expect(messages).toHaveLength(count)
  expect(messages[0]!.unreadable).toBeUndefined()
  expect(turns).toBeGreaterThan(5)
})

test('batches that would be too much together are left for the next answer; each partition gets on by one', async () => {
  batchLimits.maxBytes = 100_000
  const body = recordsBytes(['x'.repeat(60_000)])
  const batch = (base: bigint) => gzipped(base, body, 1)
  const answer = answerOf(batch(0n), batch(1n), batch(2n), batch(3n))
  const decodeAll = fetchedDecoder(never)
  expect((await decodeAll(answer)).map(({ offset }) => offset)).toEqual(['0', '1'])
  answer.offset = 0
  expect((await decodeAll(answer)).map(({ offset }) => offset)).toEqual(['0'])
})

test('a batch that the size of the answer has cut off is left out', async () => {
  const second = plain(1n, 'b')
  expect((await decode(plain(0n, 'a'), second.subarray(0, second.length - 1))).map(({ offset }) => offset)).toEqual(['0'])
  expect((await decode(plain(0n, 'a'), second.subarray(0, 9))).map(({ offset }) => offset)).toEqual(['0'])
  expect(await decode()).toEqual([])
})

test('a batch without records moves the position and shows nothing', async () => {
  const messages = await decode(batchBytes({ base: 5n, count: 0, body: Buffer.alloc(0), lastOffsetDelta: 3 }))
  const { Batch } = library()
  const batch = new Batch('topic', '5', { partition: 0, highWatermark: '9', messages } as FetchedPartition)
  expect(batch.messages).toEqual([])
  expect(nextOffset(batch)).toBe(9n)
})

test('read from its middle, an unreadable batch is not passed over', async () => {
  const messages = await decode(batchBytes({ base: 10n, codec: 1, count: 5, body: Buffer.from('no gzip') }))
  const { Batch } = library()
  const batch = new Batch('topic', '13', { partition: 0, highWatermark: '20', messages } as FetchedPartition)
  expect(batch.messages.map(({ offset }) => offset)).toEqual(['14'])
  // Nor by who reads only up to its middle.
  const record = toRecord('topic', 0, batch.messages[0]!)
  expect([10n, 11n, 15n].map(end => beginsBefore(record, end))).toEqual([false, true, true])
})

test('one of an aborted transaction is left out like its records', async () => {
  const unreadable = batchBytes({ base: 1n, codec: 1, count: 1, body: Buffer.from('x'), attributes: 16, producerId: 7n })
  const messages = await decode(plain(0n, 'a'), unreadable, plain(2n, 'b'))
  const { Batch } = library()
  const partition = { partition: 0, highWatermark: '3', messages, abortedTransactions: [{ producerId: '7', firstOffset: '1' }] }
  expect(new Batch('topic', '0', partition as FetchedPartition).messages.map(({ offset }) => offset)).toEqual(['0', '2'])
})

test('an entry of an old format that cannot be read is a stand-in too', async () => {
  const entry = Buffer.alloc(30)
  entry.writeBigInt64BE(41n, 0)
  entry.writeInt32BE(18, 8)
  entry[16] = 1
  const [message] = await decode(entry)
  expect(message).toMatchObject({ offset: '41', unreadable: { reason: 'an old format that is broken' } })
})

test('whoever decompresses by way of kafkajs is bounded too', async () => {
  library()
  const { createRequire } = await import('node:module')
  const { CompressionCodecs } = createRequire(import.meta.url)('kafkajs')
  batchLimits.maxBytes = 1_000
  for (const [codec, bytes] of [
    [1, zlib.gzipSync(Buffer.alloc(1_001))],
    [4, zlib.zstdCompressSync(Buffer.alloc(1_001))],
  ] as const) {
    await expect(CompressionCodecs[codec]().decompress(bytes)).rejects.toThrow('more than 1000 bytes')
  }
})
