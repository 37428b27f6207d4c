import { expect, test } from 'vitest'
import { Undecodable } from '../../src/errors.ts'
import { readSchemaId, writeSchemaId } from '../../src/schema/wire.ts'

test('an id is unsigned: the largest comes back as it was', () => {
  const frame = Buffer.alloc(5, 7)
  writeSchemaId(frame, 4_294_967_295)
  expect([...frame]).toEqual([0, 255, 255, 255, 255])
  expect(readSchemaId(frame)).toBe(4_294_967_295)
})

test.each([
  [[], 'empty'],
  [[0], 'ends after 1 byte'],
  [[0, 0, 0, 1], 'ends after 4 bytes'],
  [[1, 0, 0, 0, 1], 'starts with 0x01'],
  [[0x7b], 'starts with 0x7b'],
])('%j is undecodable: %s', (bytes, reason) => {
  expect(() => readSchemaId(Buffer.from(bytes))).toThrow(
    expect.objectContaining({ code: 'E_UNDECODABLE', retryable: false, message: expect.stringContaining(reason) }),
  )
  expect(() => readSchemaId(Buffer.from(bytes))).toThrow(Undecodable)
})
