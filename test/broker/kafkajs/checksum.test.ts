import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from '../../../src/broker/kafkajs/checksum.ts'

const original = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (
  bytes: Uint8Array,
) => number

test('the checksum of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('is that of kafkajs', () => {
  fc.assert(
    // Beginning anywhere in memory.
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, from) => {
      expect(crc32c(bytes.subarray(from))).toBe(original(Buffer.from(bytes.subarray(from))))
    }),
    { numRuns: 500 },
  )
})
