import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunksOf } from '../../src/broker/chunks.ts'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import { recordBytes } from '../../src/broker/record-size.ts'

const record = fc
  .record({ topic: fc.constantFrom('a', 'b'), partition: fc.nat(2), size: fc.nat(300) })
  .map(({ size, ...at }): OutgoingRecord => ({ ...at, key: null, value: Buffer.alloc(size), headers: [] }))

test('every record is in one chunk, each partition in its order, and no chunk is larger than allowed unless it is a single record', () => {
  fc.assert(
    fc.property(fc.array(record), fc.integer({ min: 1, max: 1_000 }), (records, maxBytes) => {
      const chunks = chunksOf(records, maxBytes)
      const of = (all: readonly OutgoingRecord[], topic: string, partition: number) =>
        all.filter(one => one.topic === topic && one.partition === partition)
      for (const topic of ['a', 'b'])
        for (const partition of [0, 1, 2])
          expect(chunks.flatMap(chunk => of(chunk.records, topic, partition))).toEqual(of(records, topic, partition))
      for (const { topic, partition, records: some } of chunks) {
        expect(of(some, topic, partition)).toHaveLength(some.length)
        const bytes = some.reduce((sum, one) => sum + recordBytes(one), 0)
        expect(some.length === 1 || bytes <= maxBytes).toBe(true)
      }
    }),
  )
})

test('a chunk is filled before the next one is begun', () => {
  const records = Array.from({ length: 10 }, () => ({
    topic: 'a',
    partition: 0,
    key: null,
    value: Buffer.alloc(90),
    headers: [],
  }))
  const each = recordBytes(records[0]!)
  expect(chunksOf(records, each * 4).map(chunk => chunk.records.length)).toEqual([4, 4, 2])
})
