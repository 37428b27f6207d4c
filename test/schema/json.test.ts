import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { avroSchema } from '../../src/message/schema.ts'
import { fromJson, toJson } from '../../src/schema/json.ts'
import { anySchema } from './arbitrary.ts'

const schema = avroSchema({
  name: 'test.P',
  long: 'bigint',
  avro: {
    type: 'record',
    name: 'P',
    namespace: 'test',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'n', type: 'long' },
      { name: 'data', type: ['null', 'bytes'], default: null },
      { name: 'lines', type: { type: 'array', items: { type: 'record', name: 'L', fields: [{ name: 'q', type: 'int' }] } } },
    ],
  },
})
const valid = { at: '2026-11-22T10:00:00Z', n: 1, lines: [] }

test.each(['bigint', 'number'] as const)('what is printed can be read back, through JSON text, long as %s', long => {
  fc.assert(
    fc.property(
      anySchema(long).chain(({ schema, payload }) =>
        fc.array(payload, { minLength: 1, maxLength: 5 }).map(values => ({ schema, values })),
      ),
      ({ schema, values }) => {
        for (const value of values) {
          const text = JSON.stringify(toJson(value))
          expect(JSON.stringify(toJson(fromJson(schema, JSON.parse(text))))).toBe(text)
        }
      },
    ),
    { numRuns: 60, endOnFailure: true },
  )
})

test('the forms', () => {
  expect(toJson({ n: 2n ** 60n, at: new Date(0), b: Buffer.from('é'), xs: [1n, null, Number.NaN] })).toEqual({
    n: '1152921504606846976',
    at: '1970-01-01T00:00:00.000Z',
    b: 'w6k=',
    xs: ['1', null, 'NaN'],
  })
  expect(fromJson(schema, { ...valid, n: '9223372036854775807', data: 'w6k=' })).toEqual({
    at: new Date('2026-11-22T10:00:00Z'),
    n: 2n ** 63n - 1n,
    data: Buffer.from('é'),
    lines: [],
  })
  expect(fromJson(schema, { ...valid, at: 5 })).toEqual({ at: new Date(5), n: 1n, lines: [] })
})

describe('every construct', () => {
  const every = avroSchema({
    name: 'test.E',
    long: 'bigint',
    avro: {
      type: 'record',
      name: 'E',
      namespace: 'test',
      fields: [
        { name: 'paid', type: ['null', 'long', { type: 'record', name: 'Card', fields: [{ name: 'no', type: 'string' }] }] },
        { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
        { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 } },
        { name: 'on', type: { type: 'int', logicalType: 'date' } },
        { name: 'for', type: { type: 'fixed', name: 'For', size: 12, logicalType: 'duration' } },
        { name: 'nothing', type: 'null' },
      ],
    },
  })
  const json = {
    paid: { long: '9007199254740993' },
    micros: '1700000000000000',
    hash: 'AAE=',
    total: '12.5',
    on: '2026-11-22',
    for: { months: 1, days: 2, milliseconds: 3 },
    nothing: null,
  }

  test('is read', () => {
    expect(fromJson(every, json)).toEqual({
      ...json,
      paid: { long: 9007199254740993n },
      micros: 1_700_000_000_000_000n,
      hash: Buffer.from([0, 1]),
    })
    expect(fromJson(every, { ...json, paid: { 'test.Card': { no: '1' } } })).toMatchObject({ paid: { 'test.Card': { no: '1' } } })
    expect(fromJson(every, { ...json, paid: null })).toMatchObject({ paid: null })
  })

  test.each([
    [{ paid: 5 }, 'paid', "expected { long: ... } or { 'test.Card': ... } or null, got 5 (number)"],
    [{ paid: { Card: {} } }, 'paid', 'expected { long'],
    [{ paid: { long: 1, 'test.Card': { no: '1' } } }, 'paid', 'expected { long'],
    [{ paid: { 'test.Card': { no: 1 } } }, 'paid.test.Card.no', 'expected string, got 1 (number)'],
    [{ micros: '2026-11-22' }, 'micros', 'expected timestamp-micros'],
    [{ hash: 'AAECAw==' }, 'hash', 'expected test.Hash (Buffer of 2 bytes), got 4 bytes'],
    [{ hash: 5 }, 'hash', 'expected test.Hash (2 bytes in base64), got 5 (number)'],
    [{ total: 12.5 }, 'total', 'expected decimal(4, 2) (string such as "12.50"), got 12.5 (number)'],
    [{ on: '22.11.2026' }, 'on', 'expected date (string such as "2026-11-22"), got "22.11.2026" (string)'],
    [{ for: { months: -1, days: 0, milliseconds: 0 } }, 'for', 'expected duration (months, days and milliseconds'],
    [{ nothing: 0 }, 'nothing', 'expected null, got 0 (number)'],
  ])('is refused with words: %j', (change, path, reason) => {
    expect(() => fromJson(every, { ...json, ...change })).toThrow(
      expect.objectContaining({ code: 'E_PAYLOAD', path, message: expect.stringContaining(reason) }),
    )
  })
})

describe('refused, with the path', () => {
  test.each([
    [{ ...valid, at: '2026-11-22' }, 'at', 'expected timestamp (ISO 8601 with a zone, or epoch milliseconds)'],
    [{ ...valid, at: '2026-11-22T10:00:00' }, 'at', 'expected timestamp'],
    [{ ...valid, at: '2026-13-22T10:00:00Z' }, 'at', 'expected timestamp'],
    [{ ...valid, n: 2 ** 53 }, 'n', 'expected long (bigint)'],
    [{ ...valid, n: '9223372036854775808' }, 'n', 'expected long (bigint)'],
    [{ ...valid, n: '1e3' }, 'n', 'expected long (bigint)'],
    [{ ...valid, data: '%%' }, 'data', 'expected bytes (base64)'],
    [{ ...valid, lines: [{ q: 1 }, { q: '2' }] }, 'lines.1.q', 'expected int, got "2" (string)'],
    [{ ...valid, lines: [{}] }, 'lines.0.q', 'expected int, got nothing'],
    [{ ...valid, lines: [{ q: 1, qty: 2 }] }, 'lines.0.qty', 'is no field of test.L (q)'],
    [{ ...valid, lines: {} }, 'lines', 'expected array'],
    [[], '', 'expected test.P, got an array of 0'],
  ])('%j', (json, path, reason) => {
    expect(() => fromJson(schema, json)).toThrow(
      expect.objectContaining({ code: 'E_PAYLOAD', path, message: expect.stringContaining(reason) }),
    )
  })

  test('a key __proto__ in the input is no field and pollutes nothing', () => {
    expect(() => fromJson(schema, JSON.parse('{"__proto__": {"at": 5, "n": 1, "lines": []}}'))).toThrow(
      expect.objectContaining({ path: '__proto__' }),
    )
  })
})
