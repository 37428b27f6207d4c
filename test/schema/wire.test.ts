import { expect, test } from 'vitest'
import { Undecodable } from '../../src/errors.ts'
import { framedInHeader, readSchemaId, writeSchemaId } from '../../src/schema/wire.ts'

test('an id is unsigned: the largest comes back as it was', () => {
  const frame = Buffer.alloc(5, 7)
  writeSchemaId(frame, 0, 4_294_967_295)
  expect([...frame]).toEqual([0, 255, 255, 255, 255])
  expect(readSchemaId(frame)).toBe(4_294_967_295)
})

test.each([
  [[], 'empty'],
  [[0], 'ends after 1 byte'],
  [[0, 0, 0, 1], 'ends after 4 bytes'],
  [[1, 0, 0, 0, 1], 'starts with 0x01'],
  [[0x7b], 'starts with 0x7b'],
  [[1, ...Array(15).fill(7)], 'starts with 0x01, not with 0x00'],
  [[1, ...Array(16).fill(7)], 'named by a GUID'],
])('%j is undecodable: %s', (bytes, reason) => {
  expect(() => readSchemaId(Buffer.from(bytes))).toThrow(
    expect.objectContaining({ code: 'E_UNDECODABLE', retryable: false, message: expect.stringContaining(reason) }),
  )
  expect(() => readSchemaId(Buffer.from(bytes))).toThrow(Undecodable)
})

test('a GUID in a header is named, with what to set', () => {
  expect(framedInHeader([['__key_schema_id', null]])).toBeUndefined()
  const told = framedInHeader([
    ['a', null],
    ['__value_schema_id', Buffer.alloc(17, 1)],
  ])
  expect(told).toMatchObject({ code: 'E_UNDECODABLE', message: expect.stringContaining('schema.id.serializer') })
})
