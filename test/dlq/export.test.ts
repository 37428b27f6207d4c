import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exportLine } from '../../src/dlq/export.ts'
import type { Header } from '../../src/message/headers.ts'
import { withTrail } from '../../src/topic/trail.ts'

const bytes = fc.uint8Array({ maxLength: 20 }).map(array => Buffer.from(array))
const maybe = fc.option(bytes)
const restored = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))

test('a line is enough to write the record again byte for byte: order, duplicates and nulls of headers included', () => {
  fc.assert(
    fc.property(
      maybe,
      maybe,
      fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), maybe), { maxLength: 6 }),
      fc.bigInt(0n, 2n ** 63n - 1n),
      (key, value, headers, offset) => {
        const record = { topic: 'spend.dlq', partition: 3, offset, timestampMs: 5, key, value, headers }
        const line = exportLine('spend', { partition: 3, offset, record, trail: undefined })
        expect(line).not.toContain('\n')
        const json = JSON.parse(line) as { offset: string; key: string; value: string; headers: [string, string | null][] }
        expect(BigInt(json.offset)).toBe(offset)
        expect(restored(json.key)).toEqual(key)
        expect(restored(json.value)).toEqual(value)
        expect(json.headers.map(([name, text]): Header => [name, restored(text)])).toEqual(headers)
      },
    ),
  )
})

test('origin and trail stand beside the bytes, for people', () => {
  const trail = {
    origin: { topic: 'orders', partition: 3, offset: 42n, timestampMs: 7 },
    group: 'spend',
    attempt: 5,
    hop: 4,
    redriveCount: 0,
    disposition: 'exhausted',
    failure: { class: 'E', message: 'm', stack: 's', fingerprint: 'f' },
    batchLastOffset: 50n,
  } as const
  const record = {
    topic: 'spend.dlq',
    partition: 3,
    offset: 1n,
    timestampMs: 5,
    key: null,
    value: null,
    headers: withTrail([], trail),
  }
  const { origin, ...rest } = trail
  expect(JSON.parse(exportLine('spend', { partition: 3, offset: 1n, record, trail }))).toMatchObject({
    v: 1,
    group: 'spend',
    partition: 3,
    offset: '1',
    timestampMs: 5,
    origin: { ...origin, offset: '42' },
    trail: { ...rest, batchLastOffset: '50' },
  })
  expect(JSON.parse(exportLine('spend', { partition: 3, offset: 1n, record, trail: undefined }))).toMatchObject({
    origin: null,
    trail: null,
  })
})
