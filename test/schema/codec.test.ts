import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { avroSchema, type LongAs, type MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { anySchema } from './arbitrary.ts'

const order: MessageSchema = avroSchema({
  name: 'retail.OrderPlaced',
  long: 'bigint',
  avro: {
    type: 'record',
    name: 'OrderPlaced',
    namespace: 'retail',
    fields: [
      { name: 'orderId', type: 'string' },
      { name: 'placedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'total', type: 'long', default: 0 },
      { name: 'currency', type: { type: 'enum', name: 'Currency', symbols: ['GBP', 'EUR'] }, default: 'GBP' },
      { name: 'note', type: ['null', 'string'], default: null },
      {
        name: 'lines',
        type: {
          type: 'array',
          items: {
            type: 'record',
            name: 'Line',
            fields: [
              { name: 'quantity', type: 'int' },
              { name: 'at', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
            ],
          },
        },
      },
    ],
  },
})
const valid = { orderId: '1', placedAt: new Date(0), lines: [] }
const one = (name: string, type: unknown, long: LongAs = 'bigint') =>
  avroSchema({ name: 'test.One', long, avro: { type: 'record', name: 'One', namespace: 'test', fields: [{ name, type }] } })

async function roundTrip(schema: MessageSchema, payload: unknown): Promise<unknown> {
  const registry = memoryRegistry()
  const id = await registry.register('subject', schema)
  const decoded = await createDecoder(registry, [schema]).decode(codecOf(schema).encode(id, payload))
  if (decoded.kind !== 'message') throw new Error('unhandled')
  return decoded.payload
}

describe('what fits comes back', () => {
  test.each(['bigint', 'number'] as const)('any schema, any payload, long as %s', async long => {
    await fc.assert(
      fc.asyncProperty(
        anySchema(long).chain(({ schema, payload }) =>
          fc.array(payload, { minLength: 1, maxLength: 5 }).map(values => ({ schema, values })),
        ),
        async ({ schema, values }) => {
          for (const value of values) expect(plain(await roundTrip(schema, value))).toEqual(plain(value))
        },
      ),
      { numRuns: 60, endOnFailure: true },
    )
  })

  test('the bytes are those of plain avsc, framed', () => {
    const payload = { ...valid, total: 5n, currency: 'EUR', note: 'x', lines: [{ quantity: 3, at: new Date(9) }] }
    const framed = codecOf(order).encode(258, payload)
    const body = avro.Type.forSchema(order.avro as avro.Schema).toBuffer({
      ...payload,
      placedAt: 0,
      total: 5,
      lines: [{ quantity: 3, at: 9 }],
    })
    expect(framed).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 1, 2]), body]))
  })

  test('defaults are filled in, for absent and for undefined', async () => {
    expect(await roundTrip(order, { ...valid, note: undefined })).toEqual({ ...valid, total: 0n, currency: 'GBP', note: null })
  })

  test.each([-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n, 0n, 2n ** 47n, -(2n ** 47n), 2n ** 48n, 63n, 64n, -64n, -65n])(
    'long %s, byte for byte',
    async value => {
      expect(await roundTrip(one('n', 'long'), { n: value })).toEqual({ n: value })
      const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
      const varint: number[] = []
      for (let rest = zigzag; ; rest >>= 7n) {
        varint.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
        if (rest <= 0x7fn) break
      }
      expect([...codecOf(one('n', 'long')).encode(1, { n: value }).subarray(5)]).toEqual(varint)
    },
  )

  test.each([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 52, -(2 ** 52), 0])('long as number %s', async n => {
    expect(await roundTrip(one('n', 'long', 'number'), { n })).toEqual({ n })
  })

  test('a payload larger than what the encoder keeps, then a small one', async () => {
    const schema = one('text', 'string')
    for (const length of [1, 20_000, 3_000_000, 2])
      expect(await roundTrip(schema, { text: 'é'.repeat(length) })).toEqual({ text: 'é'.repeat(length) })
  })

  test('no value is written over another, whatever their sizes, and also when a getter encodes or fails', () => {
    const codec = codecOf(one('text', 'string'))
    const texts = Array.from({ length: 2_000 }, (_, i) => `${i}`.repeat(1 + ((i * 7_919) % (i % 50 === 0 ? 20_000 : 300))))
    const inside: Buffer[] = []
    const values = texts.map((text, i) => {
      const encodesOnce = {
        get text() {
          if (i % 3 === 0) inside.push(codec.encode(2, { text: `in ${i}` }))
          if (i % 7 === 0) expect(() => codec.encode(2, { text: 7 })).toThrow('expected string, got 7')
          return text
        },
      }
      return codec.encode(1, encodesOnce)
    })
    const textOf = (value: Buffer) =>
      value.subarray(value.length < 5 + 1 + 64 ? 6 : value.length < 5 + 2 + 8_192 ? 7 : 8).toString()
    expect(values.map(textOf)).toEqual(texts)
    expect(inside.every(value => textOf(value).startsWith('in '))).toBe(true)
    expect(inside.length).toBeGreaterThan(600)
  })

  test('half a surrogate pair becomes U+FFFD, which every decoder takes', () => {
    const bytes = codecOf(one('text', 'string')).encode(1, { text: 'a\ud83d' }).subarray(6)
    expect(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toBe('a\ufffd')
  })

  test('properties the schema does not name are left out', async () => {
    expect(await roundTrip(one('n', 'int'), { n: 1, more: 2 })).toEqual({ n: 1 })
  })
})

describe('what does not fit is refused by path', () => {
  test.each([
    [{ ...valid, lines: [{ quantity: 'three' }] }, 'lines.0.quantity', 'expected int, got "three" (string)'],
    [{ ...valid, lines: [{ quantity: 2 ** 31 }] }, 'lines.0.quantity', 'expected int, got 2147483648 (number)'],
    [{ ...valid, orderId: undefined }, 'orderId', 'expected string, got nothing'],
    [{ ...valid, placedAt: new Date(Number.NaN) }, 'placedAt', 'got an invalid Date'],
    [{ ...valid, placedAt: 0 }, 'placedAt', 'expected timestamp-millis (valid Date), got 0 (number)'],
    [{ ...valid, total: 5 }, 'total', 'expected long (bigint), got 5 (number)'],
    [{ ...valid, total: 2n ** 63n }, 'total', 'expected long (bigint)'],
    [{ ...valid, currency: 'toString' }, 'currency', 'expected one of GBP, EUR, got "toString" (string)'],
    [{ ...valid, note: 5 }, 'note', 'expected string or null, got 5 (number)'],
    [{ ...valid, lines: [{ quantity: 1, at: new Date(Number.NaN) }] }, 'lines.0.at', 'an invalid Date'],
    [null, '', 'expected retail.OrderPlaced, got null'],
    [undefined, '', 'got nothing'],
    ['text', '', 'got "text" (string)'],
  ])('%o', (payload, path, reason) => {
    expect(() => codecOf(order).encode(1, payload)).toThrow(
      expect.objectContaining({ code: 'E_PAYLOAD', retryable: false, path, message: expect.stringContaining(`${reason}`) }),
    )
    expect(() => codecOf(order).encode(1, payload)).toThrow('· schema retail.OrderPlaced')
  })

  test('the exact words', () => {
    expect(() => codecOf(order).encode(1, { ...valid, lines: [{ quantity: 'three' }] })).toThrow(
      /^lines\.0\.quantity: expected int, got "three" \(string\) · schema retail\.OrderPlaced$/,
    )
  })

  test.each([2 ** 53, -(2 ** 53), 1.5, 1n, '1', Number.NaN])('long as number refuses %s', n => {
    expect(() => codecOf(one('n', 'long', 'number')).encode(1, { n })).toThrow(
      expect.objectContaining({ code: 'E_PAYLOAD', path: 'n' }),
    )
  })

  test('a payload without end, a getter that throws', () => {
    const tree = avroSchema({
      name: 'Tree',
      long: 'bigint',
      avro: { type: 'record', name: 'Tree', fields: [{ name: 'next', type: ['null', 'Tree'] }] },
    })
    const loop: { next: unknown } = { next: null }
    loop.next = loop
    expect(() => codecOf(tree).encode(1, loop)).toThrow(expect.objectContaining({ code: 'E_PAYLOAD' }))
    const trap = {
      get n() {
        throw new Error('from the getter')
      },
    }
    expect(() => codecOf(one('n', 'int')).encode(1, trap)).toThrow(/from the getter/)
  })
})

/** Class instances of avsc as plain objects, so that toEqual looks at data only; -0 and NaN stay. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value)) return value
  return Object.entries(value).map(([key, inner]) => [key, plain(inner)])
}
