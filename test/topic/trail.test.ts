import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Header, headerText } from '../../src/message/headers.ts'
import { readTrail, type Trail, trailBudgetBytes, withoutTrail, withTrail } from '../../src/topic/trail.ts'

const origin = { topic: 'orders', partition: 3, offset: 9_007_199_254n, timestampMs: 1_700_000_000_000 }
const failure = { class: 'Error', message: 'no', stack: 'Error: no\n    at x', fingerprint: 'f00' }
const full: Trail = {
  origin,
  firstFailedAtMs: 1,
  group: 'spend',
  attempt: 2,
  hop: 5,
  dueAtMs: 3,
  untilMs: 4,
  failure,
  disposition: 'exhausted',
  redriveId: 'r',
  redriveCount: 1,
}

test('what is written is read', () => {
  expect(readTrail(withTrail([], full))).toEqual(full)
  const least: Trail = { origin, group: 'spend', attempt: 0, hop: 1, redriveCount: 0 }
  expect(readTrail(withTrail([], least))).toEqual(least)
})

test("a record's own headers stay as they are, in order, doubles and nulls included", () => {
  const own: Header[] = [
    ['a', Buffer.from([0xff])],
    ['a', null],
    ['__proto__', Buffer.from('x')],
    ['b', Buffer.alloc(0)],
  ]
  const copy = withTrail(own, full)
  expect(copy.slice(0, own.length)).toEqual(own)
  expect(withoutTrail(copy)).toEqual(own)
  expect(withTrail(copy, full)).toEqual(copy)
})

test('a record without a readable origin is no copy', () => {
  expect(readTrail([])).toBeUndefined()
  expect(
    readTrail([
      ['spillway-origin-topic', Buffer.from('t')],
      ['spillway-origin-partition', Buffer.from('-1')],
    ]),
  ).toBeUndefined()
})

test('a trail stays within its budget, whatever the error says, and keeps what it is found by', () => {
  const texts = fc.string({ unit: 'grapheme', maxLength: 20_000 })
  fc.assert(
    fc.property(texts, texts, fc.string({ maxLength: 300 }), (message, stack, name) => {
      const headers = withTrail([], { ...full, failure: { class: name, message, stack, fingerprint: 'f00' } })
      const bytes = headers.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + (value?.length ?? 0), 0)
      expect(bytes).toBeLessThanOrEqual(trailBudgetBytes)
      expect(headerText(headers, 'spillway-error-fingerprint')).toBe('f00')
      expect(headerText(headers, 'spillway-error-message')).not.toContain('\ufffd')
    }),
    { numRuns: 30 },
  )
})
