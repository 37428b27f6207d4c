import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Duration, durationMs, formatDuration } from '../../src/message/duration.ts'

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['', '5', 's', '15 minutes', '-1s', '1e3s', '5S', '1m30s', ' 5s', 'NaNs', 'Infinitys', '.5s'])(
  '%j is refused',
  text => {
    expect(() => durationMs(text)).toThrow(expect.objectContaining({ code: 'E_DEFINITION' }))
  },
)

test('a length has one way to be written, and it reads back', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e12 }), ms => durationMs(formatDuration(ms)) === ms))
  expect([0, 999, 1_000, 60_000, 90_000, 86_400_000].map(formatDuration)).toEqual(['0s', '999ms', '1s', '1m', '90s', '1d'])
})

test('is checked by the compiler', () => {
  const good: Duration[] = ['5s', '1.5h', '250ms']
  // @ts-expect-error no unit of ours
  const words: Duration = '15 minutes'
  // @ts-expect-error no number
  const none: Duration = 's'
  expect([...good, words, none]).toHaveLength(5)
})
