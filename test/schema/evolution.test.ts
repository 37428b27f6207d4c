/** Old and new schemas meet: the reader gets what the Avro specification says, or nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { avroSchema, type LongAs, type MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { checkCompatibility } from '../../src/schema/compatibility.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { evolved } from './evolution.ts'
import { plain } from './plain.ts'

const schemaOf = (type: unknown, long: LongAs = 'bigint', more: object = {}): MessageSchema =>
  avroSchema({
    name: 'test.R',
    long,
    avro: { type: 'record', name: 'R', namespace: 'test', fields: [{ name: 'f', type, ...more }] },
  })

async function read(writer: MessageSchema, reader: MessageSchema, payload: unknown): Promise<unknown> {
  const decoder = createDecoder({ schemaById: async () => JSON.stringify(writer.avro) }, [reader])
  const decoded = await decoder.decode(codecOf(writer).encode(1, payload))
  return (decoded as { payload: unknown }).payload
}

const undecodable = (reason: string) =>
  expect.objectContaining({ code: 'E_UNDECODABLE', message: expect.stringContaining(reason) })

test('any schema that has evolved by legal steps reads what was written before', async () => {
  const cases = evolved().chain(({ writer, reader, pair }) =>
    fc.record({
      writer: fc.constant(writer),
      reader: fc.constant(reader),
      pairs: fc.array(pair, { minLength: 1, maxLength: 3 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(cases, async ({ writer, reader, pairs }) => {
      expect(checkCompatibility(reader, [JSON.stringify(writer.avro)]).problems).toEqual([])
      for (const { given, expected } of pairs) expect(plain(await read(writer, reader, given))).toEqual(plain(expected))
    }),
    // To shrink a schema that is drawn piece by piece takes for ever, and helps little.
    { numRuns: 300, endOnFailure: true },
  )
})

describe('a union and the branch that was written', () => {
  test('a type that was one of several is read where it was that one, and told by its field where not', async () => {
    const [writer, reader] = [schemaOf(['int', 'string', 'null']), schemaOf('int')]
    expect(await read(writer, reader, { f: { int: 3 } })).toEqual({ f: 3 })
    await expect(read(writer, reader, { f: { string: 'x' } })).rejects.toThrow(undecodable('f: cannot read string as int'))
    await expect(read(writer, reader, { f: null })).rejects.toThrow(undecodable('f: cannot read null as int'))
  })

  test('the field stands in arrays and records; a compatible branch beside one that is not', async () => {
    const inner = (type: unknown) => ({ type: 'array', items: { type: 'record', name: 'In', fields: [{ name: 'n', type }] } })
    const [writer, reader] = [schemaOf(inner(['null', 'string'])), schemaOf(inner('string'))]
    expect(await read(writer, reader, { f: [{ n: 'a' }] })).toEqual({ f: [{ n: 'a' }] })
    await expect(read(writer, reader, { f: [{ n: 'a' }, { n: null }] })).rejects.toThrow(undecodable('f.[].n: cannot read null'))
  })

  test('one that no branch can be read of is refused as a whole', async () => {
    await expect(read(schemaOf(['int', 'long']), schemaOf('boolean'), { f: { int: 1 } })).rejects.toThrow(
      undecodable('cannot be read by this service'),
    )
  })

  test('the unit of a nullable timestamp is not mixed up, though the canonical schemas are equal', async () => {
    const nullable = (unit: string) => schemaOf(['null', { type: 'long', logicalType: `timestamp-${unit}` }])
    expect(await read(nullable('micros'), nullable('millis'), { f: null })).toEqual({ f: null })
    await expect(read(nullable('micros'), nullable('millis'), { f: 5n })).rejects.toThrow(undecodable('f: cannot read'))
  })

  test('a record that cannot be read in one branch is not taken for readable in the next place', async () => {
    const named = (name: string, type: unknown) => ({ type: 'record', name, fields: [{ name: 'n', type }] })
    const both = (type: unknown) =>
      avroSchema({
        name: 'test.R',
        long: 'bigint',
        avro: {
          type: 'record',
          name: 'R',
          namespace: 'test',
          fields: [
            { name: 'a', type: ['null', named('In', type)] },
            { name: 'b', type: ['null', 'In'] },
          ],
        },
      })
    const [writer, reader] = [both('string'), both('int')]
    expect(await read(writer, reader, { a: null, b: null })).toEqual({ a: null, b: null })
    await expect(read(writer, reader, { a: null, b: { n: 'x' } })).rejects.toThrow(undecodable('b: cannot read'))
  })

  test('an int stays an int where double stands before it, also once another field has changed', async () => {
    const union = ['double', 'int']
    const wider = avroSchema({
      ...schemaOf(union),
      avro: {
        ...schemaOf(union).avro,
        fields: [
          { name: 'f', type: union },
          { name: 'g', type: 'int', default: 0 },
        ],
      },
    }) as MessageSchema
    expect(await read(schemaOf(union), schemaOf(union), { f: { int: 3 } })).toEqual({ f: { int: 3 } })
    expect(await read(schemaOf(union), wider, { f: { int: 3 } })).toEqual({ f: { int: 3 }, g: 0 })
  })
})

describe('logical types', () => {
  const long = (logicalType: string) => ({ type: 'long', logicalType })
  const int = (logicalType: string) => ({ type: 'int', logicalType })
  const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })

  test.each([
    [long('timestamp-micros'), long('timestamp-millis'), 5n],
    [long('timestamp-millis'), long('timestamp-micros'), new Date(5)],
    [long('timestamp-nanos'), long('timestamp-micros'), 5n],
    [long('local-timestamp-millis'), long('timestamp-millis'), '2026-11-22T09:30:00.000'],
    [long('time-micros'), long('timestamp-micros'), '09:30:00.000000'],
    [int('time-millis'), long('time-micros'), '09:30:00.000'],
    [int('date'), int('time-millis'), '2026-11-22'],
    [int('date'), long('timestamp-millis'), '2026-11-22'],
    [decimal(9, 3), decimal(9, 2), '1.000'],
    [decimal(9, 2), decimal(5, 2), '1.00'],
    ['string', decimal(9, 2), '1.00'],
    [{ type: 'string', logicalType: 'uuid' }, decimal(9, 2), '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ])('what was %j is not read as %j', async (before, now, f) => {
    await expect(read(schemaOf(before), schemaOf(now), { f })).rejects.toThrow(undecodable('f: cannot read'))
  })

  test.each([
    [{ type: 'string', logicalType: 'date' }, 'string', 'x', 'x'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 }, 'bytes', Buffer.from([1]), Buffer.from([1])],
    [{ type: 'bytes', logicalType: 'decimal' }, decimal(4, 2), Buffer.from([1]), '0.01'],
    [{ type: 'array', items: 'int', logicalType: 'date' }, { type: 'array', items: 'int' }, [1], [1]],
  ])('one that stands in the wrong place in a writer’s schema says nothing: %j', async (before, now, given, expected) => {
    expect(await read(schemaOf(before), schemaOf(now), { f: given })).toEqual({ f: expected })
  })

  test('an array with a logical type is guarded as any other', async () => {
    const decoder = createDecoder(
      { schemaById: async () => JSON.stringify(schemaOf({ type: 'array', items: 'int', logicalType: 'date' }).avro) },
      [],
    )
    await expect(decoder.decodeAny(Buffer.from([0, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]))).rejects.toThrow(
      undecodable('claims'),
    )
  })

  test.each([
    [int('date'), 'int', 2_932_897],
    [int('date'), 'int', -719_529],
    [int('time-millis'), 'int', 86_400_000],
    [int('time-millis'), 'int', -1],
    [long('time-micros'), 'long', 86_400_000_000n],
    [long('timestamp-millis'), 'long', 8_640_000_000_000_001n],
    [long('local-timestamp-millis'), 'long', 253_402_300_800_000n],
    [long('local-timestamp-micros'), 'long', -(2n ** 63n)],
    [decimal(2, 0), 'bytes', Buffer.from([100])],
    [decimal(2, 0), 'bytes', Buffer.from([])],
    [decimal(2, 0), 'bytes', Buffer.alloc(100_000, 1)],
    [{ type: 'string', logicalType: 'uuid' }, 'string', 'nobody'],
  ])('what %j cannot hold is undecodable, never something else: %s %s', async (now, before, f) => {
    await expect(read(schemaOf(before), schemaOf(now), { f })).rejects.toThrow(undecodable('not a test.R'))
  })

  test('bytes that end within a logical type', async () => {
    const fixed = (size: number, logicalType: string) => ({ type: 'fixed', name: 'F', size, logicalType, precision: 3 })
    for (const type of [
      fixed(16, 'uuid'),
      fixed(12, 'duration'),
      fixed(4, 'decimal'),
      decimal(3, 0),
      long('local-timestamp-micros'),
    ]) {
      const schema = schemaOf(type)
      const decoder = createDecoder({ schemaById: async () => JSON.stringify(schema.avro) }, [schema])
      await expect(decoder.decode(Buffer.from([0, 0, 0, 0, 1]))).rejects.toThrow(undecodable('not a test.R'))
    }
  })

  test('timestamp-micros as number, from a writer whose longs are bigint', async () => {
    const micros = long('timestamp-micros')
    expect(await read(schemaOf(micros), schemaOf(micros, 'number'), { f: 2n ** 53n - 1n })).toEqual({ f: 2 ** 53 - 1 })
    await expect(read(schemaOf(micros), schemaOf(micros, 'number'), { f: 2n ** 53n })).rejects.toThrow(undecodable('2^53'))
  })
})

describe('where avsc by itself is wrong', () => {
  test.each([
    [2n ** 60n - 1n, 'double'],
    [-(2n ** 60n), 'double'],
    [-(2n ** 63n), 'float'],
    [2n ** 63n - 1n, 'float'],
  ])('a long of %s as %s keeps its sign', async (f, type) => {
    const expected = type === 'float' ? Math.fround(Number(f)) : Number(f)
    expect(await read(schemaOf('long'), schemaOf(type), { f })).toEqual({ f: expected })
  })

  test('bytes that are no text do not become one', async () => {
    await expect(read(schemaOf('bytes'), schemaOf('string'), { f: Buffer.from([0xff]) })).rejects.toThrow(
      undecodable('not UTF-8'),
    )
  })

  test('a writer’s field named constructor, which the reader does not know', async () => {
    const fields = [
      { name: 'constructor', type: 'string' },
      { name: 'f', type: 'int' },
    ]
    const writer = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields } })
    expect(await read(writer, schemaOf('int'), { constructor: 'McLaren', f: 4 })).toEqual({ f: 4 })
  })

  test('writers that fill the old name and the new one: the name wins over the alias', async () => {
    const fields = [
      { name: 'old', type: 'int' },
      { name: 'f', type: 'int' },
    ]
    const writer = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields } })
    expect(await read(writer, schemaOf('int', 'bigint', { aliases: ['old'] }), { old: 1, f: 2 })).toEqual({ f: 2 })
  })

  test('two fields that are read from one', async () => {
    const fields = [
      { name: 'f', type: 'string' },
      { name: 'g', type: 'string', aliases: ['f'] },
    ]
    const reader = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields } })
    expect(await read(schemaOf('string'), reader, { f: 'x' })).toEqual({ f: 'x', g: 'x' })
  })

  test('a default that is no value of its field, in a writer’s schema, is nobody’s business', async () => {
    const json = JSON.stringify(schemaOf(['string', 'null'], 'bigint', { default: null }).avro)
    const decoder = createDecoder({ schemaById: async () => json }, [schemaOf(['null', 'string'])])
    expect(await decoder.decode(Buffer.from([0, 0, 0, 0, 1, 0, 2, 97]))).toMatchObject({ payload: { f: 'a' } })
  })
})
