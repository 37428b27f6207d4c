import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodedRecord, recordBase } from '../../../src/broker/kafkajs/decoded-record.ts'
import { toKafkaJs } from '../../../src/broker/kafkajs/headers.ts'
import type { BatchContext } from '../../../src/broker/kafkajs/internals.ts'
import type { Headers } from '../../../src/message/headers.ts'
import { encodeRecord } from './fetched-bytes.ts'

const require = createRequire(import.meta.url)
type Encode = (record: object) => { buffer: Buffer }
type Decode = (
  decoder: unknown,
  context: object,
) => { offset: string; timestamp: string; key: unknown; value: unknown; headers: object }
// This file never loads the library, so these are kafkajs's own.
const originalEncode = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as Encode
const originalDecode = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as Decode
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (
  buffer: Buffer,
) => { buffer: Buffer; offset: number; readVarIntBytes(): Buffer }

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
const name = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('ce_id', '__proto__', 'constructor', 'größe'))
const header = fc.tuple(name, bytes)
const record = fc.record({
  offsetDelta: fc.nat(2 ** 31 - 1),
  timestampDelta: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(header, { maxLength: 8 }),
})
const context = {
  magicByte: 2,
  firstOffset: '9007199254740990',
  firstTimestamp: '1795332729980',
  maxTimestamp: '1795332729999',
  timestampType: 0,
} as unknown as BatchContext

function decoded(encoded: Buffer, using = context) {
  const bytes = new Decoder(encoded).readVarIntBytes()
  // In the middle of a batch, as it is in life.
  const around = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0xff)])
  return new DecodedRecord(recordBase(using), around, 3, 3 + bytes.length, Number.POSITIVE_INFINITY)
}

// kafkajs's object cannot hold one name before and after another: compare what it can say.
function grouped(headers: Headers): Headers {
  return [...new Set(headers.map(([one]) => one))].flatMap(one => headers.filter(([other]) => other === one))
}

describe('the record encoder', () => {
  test('writes the bytes that kafkajs writes', () => {
    fc.assert(
      fc.property(record, given => {
        const object = toKafkaJs(given.headers)
        // Numeric names come first in an object, whatever the order they were set in.
        const inItsOrder = Object.keys(object).flatMap(one => given.headers.filter(([other]) => other === one))
        expect(encodeRecord({ ...given, headers: inItsOrder })).toEqual(originalEncode({ ...given, headers: object }).buffer)
      }),
      { numRuns: 500 },
    )
  })

  test('takes the headers object of kafkajs too', () => {
    const headers = { one: 'text', two: [Buffer.from('a'), 'b'], three: Buffer.alloc(0) }
    expect(encodeRecord({ key: 'key', value: 'value', headers })).toEqual(
      originalEncode({ key: 'key', value: 'value', headers }).buffer,
    )
  })

  test('reads back what it wrote: order, duplicates and headers without a value', () => {
    const nullable = fc.tuple(name, fc.option(bytes))
    fc.assert(
      fc.property(fc.record({ key: fc.option(bytes), headers: fc.array(nullable, { maxLength: 8 }) }), ({ key, headers }) => {
        const result = decoded(encodeRecord({ key, value: null, headers }))
        expect({ key: result.key, value: result.value, pairs: result.pairs }).toEqual({ key, value: null, pairs: headers })
        const measured = headers.reduce((sum, [one, value]) => sum + Buffer.byteLength(one) + (value?.length ?? 0), 0)
        expect(result.headerSize).toEqual({ count: headers.length, bytes: measured })
      }),
    )
  })
})

describe('the record decoder', () => {
  test('agrees with that of kafkajs', () => {
    fc.assert(
      fc.property(record, given => {
        // Theirs mixes up names that every object has.
        const own = { ...given, headers: grouped(given.headers).filter(([one]) => !(one in Object.prototype)) }
        const buffer = encodeRecord(own)
        const ours = decoded(buffer)
        const theirs = originalDecode(new Decoder(new Decoder(buffer).readVarIntBytes()), context)
        expect([ours.offset, ours.timestamp, ours.key, ours.value]).toEqual([
          theirs.offset,
          theirs.timestamp,
          theirs.key,
          theirs.value,
        ])
        expect({ ...ours.headers }).toEqual(theirs.headers)
        expect(ours.offsetValue).toBe(BigInt(theirs.offset))
        for (const [one] of own.headers) expect(ours.hasHeader(one)).toBe(true)
        expect(ours.hasHeader('spillway-due-at')).toBe(false)
      }),
    )
  })

  test('takes the time of the batch when the broker set it', () => {
    const buffer = encodeRecord({ timestampDelta: 5, value: null })
    expect(decoded(buffer, { ...context, timestampType: 1 }).timestamp).toBe('1795332729999')
  })

  test('decodes 20,000 headers in an instant', () => {
    const headers = Array.from({ length: 20_000 }, (_, i): [string, Buffer] => [`h${i}`, Buffer.from('v')])
    const buffer = encodeRecord({ value: null, headers })
    const began = performance.now()
    expect(decoded(buffer).pairs).toHaveLength(20_000)
    expect(performance.now() - began).toBeLessThan(500)
  })
})
