import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Position, parsePosition, positionText } from '../../src/replay/position.ts'
import { checkRequest } from '../../src/replay/request.ts'

const nowMs = Date.UTC(2026, 10, 22, 12)
const parse = (text: string) => parsePosition('from', text, nowMs)

test.each<[string, Position]>([
  ['start', { kind: 'start' }],
  ['end', { kind: 'end' }],
  ['0', { kind: 'offset', offset: 0n }],
  ['1764756000', { kind: 'offset', offset: 1_764_756_000n }],
  ['+0', { kind: 'committed', plus: 0n }],
  ['+17', { kind: 'committed', plus: 17n }],
  ['-1000', { kind: 'committed', plus: -1_000n }],
  ['@2026-11-22T10:00Z', { kind: 'time', timeMs: Date.UTC(2026, 10, 22, 10) }],
  ['@2026-11-22T10:00:30.250+01:00', { kind: 'time', timeMs: Date.UTC(2026, 10, 22, 9, 0, 30, 250) }],
  ['@-15m', { kind: 'time', timeMs: nowMs - 900_000 }],
  ['@now', { kind: 'time', timeMs: nowMs }],
  ['@1764756000', { kind: 'time', timeMs: 1_764_756_000_000 }],
])('%s', (text, position) => {
  expect(parse(text)).toEqual(position)
})

test.each([
  ['', /no position: write start, end/],
  ['beginning', /no position/],
  ['1.5', /no position/],
  ['-', /no position/],
  ['--5', /no position/],
  ['1e3', /no position/],
  ['12345678901234567890', /no position/],
  ['2026-11-22', /no position/],
  ['@2026-11-22', /time zone: write @2026-11-22T00:00Z|write 2026|time zone/],
  ['@2026-02-30T10:00Z', /no time/],
  ['@-15', /write a unit/],
  ['@yesterday', /no time/],
])('%j is refused, with how to write it', (text, words) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'E_USAGE', message: expect.stringMatching(words) }))
})

test('what is written of a position is the same position at any later time', () => {
  const offset = fc.bigInt({ min: 0n, max: 10n ** 18n - 1n })
  const position: fc.Arbitrary<Position> = fc.oneof(
    fc.constantFrom<Position>({ kind: 'start' }, { kind: 'end' }),
    offset.map((value): Position => ({ kind: 'offset', offset: value })),
    fc.tuple(offset, fc.boolean()).map(([value, less]): Position => ({ kind: 'committed', plus: less ? -value : value })),
    fc.integer({ min: 0, max: Date.UTC(9999, 0) }).map((timeMs): Position => ({ kind: 'time', timeMs })),
  )
  fc.assert(
    fc.property(position, one => {
      expect(parsePosition('to', positionText(one), nowMs + 1_000_000)).toEqual(one)
    }),
  )
})

test('whatever is written, it is a position or a usage error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+@]?\d{0,20}[smh:TZ-]?$/)), text => {
      try {
        expect(['start', 'end', 'offset', 'committed', 'time']).toContain(parse(text).kind)
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_USAGE' })
      }
    }),
  )
})

test.each([
  [{}, /where it begins/],
  [{ to: 'end' }, /where it begins/],
  [{ from: 'start', to: 'x' }, /to: 'x' is no position/],
  [{ resume: 'r1', from: 'start' }, /range that it began with/],
  [{ resume: 'r1', to: 'end' }, /range that it began with/],
  [{ resume: 'r1', topics: ['t'] }, /range that it began with/],
  [{ resume: '../x' }, /no id of a replay/],
])('a request of %j is refused', (request, words) => {
  expect(() => checkRequest(request as never)).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: expect.stringMatching(words) }),
  )
})
