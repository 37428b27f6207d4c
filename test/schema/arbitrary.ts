/** Random Avro records that Spillway supports, each with values that fit. */
import fc from 'fast-check'
import { avroSchema, type LongAs, type MessageSchema } from '../../src/message/schema.ts'

interface Typed {
  readonly avro: unknown
  readonly value: fc.Arbitrary<unknown>
}

// Of each length in UTF-8; fast-check's own 'binary' takes seconds to set up.
const CHARACTER = fc.constantFrom('a', '\u0000', '\u007f', 'é', '漢', '\uffff', '😀', '"', '\\')
const MAX = 8_640_000_000_000_000

/** A schema and an arbitrary of its payloads. */
export function anySchema(long: LongAs): fc.Arbitrary<{ schema: MessageSchema; payload: fc.Arbitrary<unknown> }> {
  return fc.array(typed(long, 2), { minLength: 1, maxLength: 6 }).map(types => {
    let names = 0
    // Named types need names of their own: given when the whole is put together.
    const avro = JSON.parse(JSON.stringify(record('Root', types)), (_key, value) =>
      value === '#name' ? `Named${names++}` : value,
    )
    const payload = fc.record(Object.fromEntries(types.map((type, i) => [`f${i}`, type.value])))
    return { schema: avroSchema({ name: 'test.Root', long, avro }), payload }
  })
}

function typed(long: LongAs, depth: number): fc.Arbitrary<Typed> {
  const leaves = fc.constantFrom<Typed>(
    { avro: 'boolean', value: fc.boolean() },
    { avro: 'int', value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
    { avro: 'long', value: longs(long) },
    { avro: 'double', value: fc.double() },
    { avro: 'float', value: fc.float() },
    { avro: 'string', value: fc.string({ unit: CHARACTER }) },
    { avro: 'bytes', value: fc.uint8Array().map(bytes => Buffer.from(bytes)) },
    {
      avro: { type: 'long', logicalType: 'timestamp-millis' },
      value: fc.date({ min: new Date(-MAX), max: new Date(MAX), noInvalidDate: true }),
    },
    { avro: { type: 'enum', name: '#name', symbols: ['A', 'B', 'C'] }, value: fc.constantFrom('A', 'B', 'C') },
  )
  if (depth === 0) return leaves
  const inner = typed(long, depth - 1)
  return fc.oneof(
    { weight: 3, arbitrary: leaves },
    {
      weight: 1,
      arbitrary: inner.map(of => ({ avro: { type: 'array', items: of.avro }, value: fc.array(of.value, { maxLength: 4 }) })),
    },
    { weight: 1, arbitrary: inner.map(of => ({ avro: { type: 'map', values: of.avro }, value: maps(of.value) })) },
    {
      weight: 1,
      arbitrary: inner
        .filter(of => !Array.isArray(of.avro))
        .map(of => ({ avro: ['null', of.avro], value: fc.option(of.value, { nil: null }) })),
    },
    {
      weight: 1,
      arbitrary: fc.array(inner, { minLength: 1, maxLength: 3 }).map(types => ({
        avro: record('#name', types),
        value: fc.record(Object.fromEntries(types.map((type, i) => [`f${i}`, type.value]))),
      })),
    },
  )
}

function longs(long: LongAs): fc.Arbitrary<unknown> {
  return long === 'number'
    ? fc.maxSafeInteger()
    : fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -300n, max: 300n }),
        fc.nat(63).map(n => 2n ** BigInt(n) - 1n),
      )
}

/** Keys that are dangerous on objects come up often. */
function maps(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('__proto__', 'constructor', 'toString', ''))
  return fc.array(fc.tuple(key, value), { maxLength: 4 }).map(entries => Object.fromEntries(entries))
}

function record(name: string, types: readonly Typed[]): object {
  return { type: 'record', name, namespace: 'test', fields: types.map((type, i) => ({ name: `f${i}`, type: type.avro })) }
}
