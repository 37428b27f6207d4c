import { expect, test } from 'vitest'
import { Pace } from '../../src/replay/pace.ts'

/** Time that passes only by waiting for it. */
function paced(perSecond: number) {
  const time = { nowMs: 0, beats: 0 }
  const pace = new Pace(perSecond, {
    now: () => time.nowMs,
    pause: async ms => {
      time.nowMs += ms
    },
  })
  const never = new AbortController().signal
  const take = (wanted: number, signal = never) =>
    pace.take(wanted, signal, async () => {
      time.beats++
    })
  return { time, take }
}

test.each([1, 7, 500, 100_000])('at %i a second, that many pass in a second', async perSecond => {
  const { time, take } = paced(perSecond)
  let passed = 0
  while (time.nowMs < 10_000) passed += await take(1_000)
  expect(passed / perSecond).toBeGreaterThan(9.9)
  expect((passed - 1) / perSecond).toBeLessThanOrEqual(time.nowMs / 1_000 + 0.11)
})

test('a stop is not followed by a rush', async () => {
  const { time, take } = paced(1_000)
  await take(1)
  time.nowMs += 60_000
  expect(await take(5_000)).toBeLessThanOrEqual(100)
})

test('while it holds, the membership is kept alive every second', async () => {
  const { time, take } = paced(0.1)
  await take(1)
  const before = time.nowMs
  await take(1)
  expect(time.nowMs - before).toBeGreaterThan(9_000)
  expect(time.beats).toBeGreaterThanOrEqual(9)
})

test('an assignment that is given up gets nothing more', async () => {
  const { take } = paced(1)
  const over = new AbortController()
  over.abort()
  expect(await take(1, over.signal)).toBe(0)
})

test('the real clock does the same', async () => {
  const pace = new Pace(200)
  const startedAtMs = performance.now()
  let passed = 0
  while (passed < 60) passed += await pace.take(60 - passed, new AbortController().signal, async () => {})
  expect(performance.now() - startedAtMs).toBeGreaterThan(250)
})
