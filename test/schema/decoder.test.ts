import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { anySchema } from './arbitrary.ts'

const record = (fields: unknown[], name = 'R', more: object = {}): MessageSchema =>
  avroSchema({ name: `test.${name}`, long: 'bigint', avro: { type: 'record', name, namespace: 'test', ...more, fields } })
const frame = (body: number[], id = 1) => Buffer.from([0, 0, 0, 0, id, ...body])
/** A decoder to which `json` is schema 1. */
const decoderFor = (json: unknown, readers: MessageSchema[] = []) =>
  createDecoder({ schemaById: async () => JSON.stringify(json) }, readers)
const undecodable = (reason: string) =>
  expect.objectContaining({ code: 'E_UNDECODABLE', retryable: false, message: expect.stringContaining(reason) })

test('a value, not a promise, once the schema is known; then no more look-ups', async () => {
  const schema = record([{ name: 'x', type: 'string' }])
  const schemaById = vi.fn(async () => JSON.stringify(schema.avro))
  const decoder = createDecoder({ schemaById }, [schema])
  const value = codecOf(schema).encode(1, { x: 'a' })
  const expected = { kind: 'message', schemaId: 1, type: 'test.R', payload: { x: 'a' } }
  const first = decoder.decode(value)
  expect(first).toBeInstanceOf(Promise)
  expect(await first).toEqual(expected)
  expect(decoder.decode(value)).toEqual(expected)
  expect(schemaById).toHaveBeenCalledTimes(1)
})

test('a failed look-up is passed on and asked again', async () => {
  const schema = record([{ name: 'x', type: 'string' }])
  const unavailable = Object.assign(new Error('down'), { code: 'E_REGISTRY_UNAVAILABLE' })
  const schemaById = vi.fn(async () => JSON.stringify(schema.avro)).mockRejectedValueOnce(unavailable)
  const decoder = createDecoder({ schemaById }, [schema])
  const value = codecOf(schema).encode(1, { x: 'a' })
  await expect(decoder.decode(value)).rejects.toBe(unavailable)
  expect(await decoder.decode(value)).toMatchObject({ kind: 'message' })
})

describe('an older or newer writer', () => {
  async function evolve(writer: MessageSchema, reader: MessageSchema, payload: unknown): Promise<unknown> {
    const registry = memoryRegistry()
    const decoder = createDecoder(registry, [reader])
    const decoded = await decoder.decode(codecOf(writer).encode(await registry.register('s', writer), payload))
    return decoded.kind === 'message' ? decoded.payload : decoded
  }
  const date = { type: 'long', logicalType: 'timestamp-millis' }

  test('new fields get their default, dropped ones go, renamed ones come by alias', async () => {
    const writer = record([
      { name: 'old', type: { type: 'array', items: 'string' } },
      { name: 'gone', type: { type: 'map', values: 'long' } },
      { name: 'kept', type: 'int' },
    ])
    const reader = record([
      { name: 'renamed', type: { type: 'array', items: 'string' }, aliases: ['old'] },
      { name: 'kept', type: 'long' },
      { name: 'since', type: date, default: 5 },
    ])
    expect(await evolve(writer, reader, { old: ['a'], gone: { x: 2n ** 60n }, kept: 7 })).toEqual({
      renamed: ['a'],
      kept: 7n,
      since: new Date(5),
    })
  })

  test('a plain long becomes a Date, a Date stays one, within nullable too', async () => {
    expect(
      await evolve(
        record([{ name: 'a', type: 'long' }]),
        record([
          { name: 'a', type: date },
          { name: 'b', type: 'int', default: 1 },
        ]),
        { a: 9n },
      ),
    ).toEqual({ a: new Date(9), b: 1 })
    expect(
      await evolve(record([{ name: 'a', type: date }]), record([{ name: 'a', type: ['null', date] }]), { a: new Date(9) }),
    ).toEqual({ a: new Date(9) })
  })

  test('timestamp-micros is not read as millis, though the canonical schemas are equal', async () => {
    const writer = record([{ name: 'a', type: { type: 'long', logicalType: 'timestamp-micros' } }])
    const decoder = decoderFor(writer.avro, [record([{ name: 'a', type: date }])])
    await expect(decoder.decode(frame([2]))).rejects.toThrow(undecodable('a: cannot read timestamp-micros as timestamp-millis'))
  })

  test('a pair that cannot be resolved names its field, every time, and is worked out once', async () => {
    const schemaById = vi.fn(async () =>
      JSON.stringify(
        record([
          {
            name: 'deep',
            type: { type: 'array', items: { type: 'record', name: 'In', fields: [{ name: 'n', type: 'string' }] } },
          },
        ]).avro,
      ),
    )
    const reader = record([
      { name: 'deep', type: { type: 'array', items: { type: 'record', name: 'In', fields: [{ name: 'n', type: 'int' }] } } },
    ])
    const decoder = createDecoder({ schemaById }, [reader])
    await expect(decoder.decode(frame([0]))).rejects.toThrow(undecodable('deep.[].n: cannot read string as int'))
    expect(() => decoder.decode(frame([0]))).toThrow(undecodable('deep.[].n: cannot read string as int'))
    expect(schemaById).toHaveBeenCalledTimes(1)
  })

  test('a type without a reader is unhandled, and readable by its own schema', async () => {
    const decoder = decoderFor(record([{ name: 'x', type: 'long' }]).avro, [record([], 'Other')])
    expect(await decoder.decode(frame([4]))).toEqual({ kind: 'unhandled', schemaId: 1, type: 'test.R' })
    expect(await decoder.decodeAny(frame([4]))).toEqual({ schemaId: 1, type: 'test.R', payload: { x: 2n } })
  })

  test('any union of a foreign writer can be shown', async () => {
    const decoder = decoderFor(record([{ name: 'x', type: ['int', 'double', 'string'] }]).avro)
    expect((await decoder.decodeAny(frame([4, 2, 97]))).payload).toEqual({ x: { string: 'a' } })
  })
})

describe('hostile bytes', () => {
  const list = (items: unknown) => record([{ name: 'xs', type: { type: 'array', items } }])
  const count = (n: bigint) => {
    const bytes: number[] = []
    for (let rest = BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)); ; rest >>= 7n) {
      bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
      if (rest <= 0x7fn) return bytes
    }
  }

  test.each(['int', 'string', 'boolean', { type: 'map', values: 'int' }])(
    'an array of %j that claims 2^40 items costs nothing',
    async items => {
      const schema = list(items)
      await expect(decoderFor(schema.avro, [schema]).decode(frame(count(2n ** 40n)))).rejects.toThrow(
        undecodable('claims 1099511627776 items'),
      )
    },
  )

  test('a map that claims 2^40 entries', async () => {
    const schema = record([{ name: 'm', type: { type: 'map', values: 'int' } }])
    await expect(decoderFor(schema.avro, [schema]).decode(frame(count(2n ** 40n)))).rejects.toThrow(undecodable('claims'))
  })

  test.each([
    { type: 'array', items: 'int' },
    { type: 'map', values: 'int' },
  ])('a block size that leads backwards does not loop: %j, skipped', async type => {
    const writer = record([
      { name: 'gone', type },
      { name: 'x', type: 'int' },
    ])
    const reader = record([{ name: 'x', type: 'int' }])
    // Count -1, block size -2: back to the count.
    await expect(decoderFor(writer.avro, [reader]).decode(frame([1, 3]))).rejects.toThrow(undecodable(''))
  })

  test.each([
    ['null', 'null'],
    ['empty record', { type: 'record', name: 'E', fields: [] }],
    ['record of nulls', { type: 'record', name: 'E', fields: [{ name: 'a', type: 'null' }] }],
    ['fixed of no bytes', { type: 'fixed', name: 'F', size: 0 }],
  ])('items of no bytes are refused with their schema: %s', async (_name, items) => {
    const schema = list(items)
    await expect(decoderFor(schema.avro, []).decode(frame(count(2n ** 26n)))).rejects.toThrow(undecodable('take no bytes'))
    await expect(decoderFor(schema.avro, []).decodeAny(frame(count(2n ** 26n)))).rejects.toThrow(undecodable(''))
  })

  test('a map key __proto__ is data', async () => {
    const schema = record([{ name: 'm', type: { type: 'map', values: { type: 'map', values: 'string' } } }])
    const payload = { m: JSON.parse('{"__proto__":{"isAdmin":"yes"}}') }
    const decoded = await decoderFor(schema.avro, [schema]).decode(codecOf(schema).encode(1, payload))
    const { m } = (decoded as { payload: { m: Record<string, unknown> } }).payload
    expect(Object.keys(m)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(m)).toBe(Object.prototype)
    expect((m as { isAdmin?: unknown }).isAdmin).toBeUndefined()
  })

  test.each([
    ['no JSON', 'nonsense{'],
    ['no Avro', '{"type":"what"}'],
    ['a name that is code', JSON.stringify({ type: 'record', name: 'X(){};globalThis.hacked=1;function Y', fields: [] })],
    ['a field __proto__', JSON.stringify({ type: 'record', name: 'X', fields: [{ name: '__proto__', type: 'int' }] })],
    ['a record in itself', JSON.stringify({ type: 'record', name: 'X', fields: [{ name: 'x', type: 'X' }] })],
  ])('a registered schema that is %s', async (_name, json) => {
    const decoder = createDecoder({ schemaById: async () => json }, [record([], 'R')])
    const outcome = Promise.resolve(decoder.decode(frame([]))).then(decoded =>
      decoded.kind === 'unhandled' ? decoder.decodeAny(frame([])) : decoded,
    )
    await expect(outcome).rejects.toThrow(undecodable(''))
    expect(globalThis).not.toHaveProperty('hacked')
  })

  test.each([
    ['too short', [10, 97], 'end too early'],
    ['too long', [2, 97, 0], '1 bytes are left over'],
    ['a negative length', [1, 97], 'a length of -1'],
  ])('%s', async (_name, body, reason) => {
    const schema = record([{ name: 'x', type: 'string' }])
    await expect(decoderFor(schema.avro, [schema]).decode(frame(body))).rejects.toThrow(undecodable(reason))
  })

  test('numbers wider than their type', async () => {
    const int = record([{ name: 'x', type: 'int' }])
    await expect(decoderFor(int.avro, [int]).decode(frame(count(2n ** 31n)))).rejects.toThrow(undecodable('32 bits'))
    const long = record([{ name: 'x', type: 'long' }])
    await expect(decoderFor(long.avro, [long]).decode(frame([...Array(9).fill(0xff), 0x02]))).rejects.toThrow(
      undecodable('64 bits'),
    )
    await expect(decoderFor(long.avro, [long]).decode(frame([...Array(10).fill(0x80), 0x01]))).rejects.toThrow(
      undecodable('10 bytes'),
    )
    const safe = avroSchema({ name: long.name, long: 'number', avro: long.avro })
    await expect(decoderFor(long.avro, [safe]).decode(frame(count(2n ** 53n)))).rejects.toThrow(undecodable('2^53'))
    const date = record([{ name: 'x', type: { type: 'long', logicalType: 'timestamp-millis' } }])
    await expect(decoderFor(date.avro, [date]).decode(frame(count(8_640_000_000_000_001n)))).rejects.toThrow(undecodable('Date'))
  })

  test('whatever the bytes: a payload or Undecodable, soon', async () => {
    await fc.assert(
      fc.asyncProperty(anySchema('bigint'), fc.uint8Array({ maxLength: 64 }), async ({ schema }, bytes) => {
        const decoder = decoderFor(schema.avro, [schema])
        const value = frame([...bytes])
        for (const decode of [
          async () => void (await decoder.decode(value)),
          async () => void (await decoder.decodeAny(value)),
        ]) {
          await decode().catch(error => expect(error).toMatchObject({ code: 'E_UNDECODABLE' }))
        }
      }),
      { numRuns: 150 },
    )
  })
})
