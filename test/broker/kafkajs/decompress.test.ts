import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecNames, decompress } from '../../../src/broker/kafkajs/decompress.ts'
import { decompressLz4 } from '../../../src/broker/kafkajs/lz4.ts'
import { fetchedDecoder } from '../../../src/broker/kafkajs/patch-fetched.ts'
import { decompressSnappy } from '../../../src/broker/kafkajs/snappy.ts'
import { answerOf } from './fetched-bytes.ts'
import batches from './java/batches.json' with { type: 'json' }

const never = () => Promise.reject(new Error('no old format here'))
const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const

function javaValue(i: number): string {
  let text = `record ${i} `
  while (text.length < 400) text += `${'abcdefghij'.charAt((i * 7 + text.length) % 10)}${i % 13}`
  return text
}

const bodies = new Map(codecs.map(codec => [codec, Buffer.from(batches[codec], 'base64').subarray(61)]))
const inside = zlib.unzipSync(bodies.get('gzip')!)

describe.each(codecs)('%s', codec => {
  const number = codecNames.indexOf(codec)
  const body = bodies.get(codec)!

  test('as Java writes it is read', async () => {
    const messages = await fetchedDecoder(never)(answerOf(Buffer.from(batches[codec], 'base64')))
    expect(messages.map(({ unreadable }) => unreadable).filter(Boolean)).toEqual([])
    expect(messages.map(({ offset, timestamp, key, value }) => [offset, timestamp, String(key), String(value)])).toEqual(
      Array.from({ length: 200 }, (_, i) => [String(100 + i), String(1_700_000_000_000 + i), `key${i}`, javaValue(i)]),
    )
  })

  test('is refused above the limit and not below it', async () => {
    expect(inside.length).toBeGreaterThan(65_536)
    expect((await decompress(number, body, inside.length)).equals(inside)).toBe(true)
    await expect(decompress(number, body, inside.length - 1)).rejects.toThrow(`more than ${inside.length - 1} bytes`)
  })

  test('cut off, turned over or random, it fails or is something, and never hangs or grows', async () => {
    const damage = fc.oneof(
      fc.nat(body.length - 1).map(length => body.subarray(0, length)),
      fc.tuple(fc.nat(body.length - 1), fc.nat(255)).map(([at, byte]) => {
        const bytes = Buffer.from(body)
        bytes[at] = byte
        return bytes
      }),
      fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    )
    const isBounded = (bytes: Buffer) =>
      decompress(number, bytes, 200_000).then(
        ({ length }) => length <= 200_000,
        error => error instanceof Error,
      )
    await fc.assert(fc.asyncProperty(damage, isBounded), { numRuns: 200 })
  })
})

test('bombs of the two codecs that run on the event loop hold it up for an instant only', async () => {
  const limit = 64 * 1024 * 1024
  const claim = Buffer.from([0x80, 0x80, 0x80, 0x20]) // 64 MiB
  const snappy = Buffer.concat([claim, Buffer.from([0, 97]), Buffer.alloc(3 * 2 ** 20, Buffer.from([0xfe, 1, 0]))])
  const block = Buffer.concat([Buffer.from([0x1f, 97, 1, 0]), Buffer.alloc(300_000, 255), Buffer.from([0])])
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  const lz4 = Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), size, block, Buffer.alloc(4)])
  for (const [codec, bytes] of Object.entries({ snappy, lz4 })) {
    const began = performance.now()
    const refusal = await decompress(codecNames.indexOf(codec as never), bytes, limit).catch(error => String(error))
    const tookMs = performance.now() - began
    console.log(`${codec}: a bomb of ${bytes.length} bytes is refused after ${tookMs.toFixed(0)} ms`)
    expect(refusal).toMatch(/more than|claimed/)
    expect(tookMs).toBeLessThan(3_000)
  }
})

describe('snappy', () => {
  const raw = Buffer.from([11, (5 - 1) << 2, ...Buffer.from('hello'), ((6 - 4) << 2) | 1, 5])

  test('without the frame of Java is read too', () => {
    expect(decompressSnappy(raw, 100).toString()).toBe('hellohelloh')
  })

  test('that claims more than the limit is refused before anything is made', () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])
    expect(() => decompressSnappy(claim, 1000)).toThrow('more than 1000 bytes')
  })

  test.each([
    ['a piece from before the beginning', [8, 0, 65, (3 << 2) | 1, 9], 'refer to what is not there'],
    ['more than it claims', [2, (5 - 1) << 2, ...Buffer.from('hello')], 'claimed'],
    ['less than it claims', [9, (5 - 1) << 2, ...Buffer.from('hello')], 'claimed'],
    ['a text that is cut off', [9, (9 - 1) << 2, 65], 'too early'],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decompressSnappy(Buffer.from(bytes), 100)).toThrow(message)
  })
})

describe('lz4', () => {
  const frame = (...block: number[]) =>
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0])

  test('repeats what it has just written', () => {
    // Two bytes, then 4 + 15 + 255 + 6 = 280 more from two bytes back.
    expect(decompressLz4(frame(0x2f, 97, 98, 2, 0, 255, 6), 1000).toString()).toBe('ab'.repeat(141))
  })

  test('takes blocks that are not compressed, and several frames', () => {
    const stored = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 2, 0, 0, 0x80, 104, 105, 0, 0, 0, 0])
    expect(decompressLz4(Buffer.concat([stored, stored]), 100).toString()).toBe('hihi')
  })

  test.each([
    ['a piece from before the beginning', frame(0x10, 97, 9, 0), 'refer to what is not there'],
    ['a length that never ends', frame(0xf0, 255, 255), 'too early'],
    ['a foreign beginning', Buffer.from('not a frame at all'), 'no LZ4'],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decompressLz4(bytes, 100)).toThrow(message)
  })
})
