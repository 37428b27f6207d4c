import { afterEach, expect, test, vi } from 'vitest'
import { type Cancellable, Running } from '../../src/consume/running.ts'

const never = { place: 0, timeoutMs: 60_000, deadlineMs: Number.POSITIVE_INFINITY, timeOut: () => {}, cancel: () => {} }

function setUp(count: number) {
  const running = new Running()
  const cancelled: number[] = []
  const all = Array.from({ length: count }, (_, i): Cancellable => ({ ...never, cancel: () => void cancelled.push(i) }))
  for (const one of all) running.add(one)
  return { running, all, cancelled }
}

test('what was removed, first, last or between, is not cancelled; all others are, once', () => {
  const { running, all, cancelled } = setUp(6)
  for (const i of [0, 5, 2]) running.remove(all[i]!)
  running.add(all[5]!)
  running.cancel('over')
  expect(cancelled.sort()).toEqual([1, 3, 4, 5])
})

test('one that takes itself out while all are cancelled spares nobody', () => {
  const { running, cancelled } = setUp(3)
  const hasty: Cancellable = { ...never, cancel: () => running.remove(hasty) }
  running.add(hasty)
  running.cancel('over')
  running.cancel('again')
  expect(cancelled.sort()).toEqual([0, 0, 1, 1, 2, 2])
})

afterEach(() => void vi.useRealTimers())

test('each is timed out once its deadline has passed, at most a fiftieth late, and nothing ticks when nothing runs', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const running = new Running()
  const timedOut: [number, number][] = []
  const begin = (n: number): Cancellable => {
    const one: Cancellable = {
      ...{ ...never, timeoutMs: 1_000, deadlineMs: performance.now() + 1_000 },
      timeOut: () => {
        timedOut.push([n, performance.now()])
        running.remove(one)
      },
    }
    running.add(one)
    return one
  }
  const startMs = performance.now()
  begin(1)
  vi.advanceTimersByTime(500)
  begin(2)
  const done = begin(3)
  vi.advanceTimersByTime(499)
  expect(timedOut).toEqual([])
  running.remove(done)
  vi.advanceTimersByTime(1_000)
  expect(timedOut.map(([n]) => n)).toEqual([1, 2])
  for (const [n, atMs] of timedOut) expect(atMs - startMs - (n - 1) * 500).toBeLessThanOrEqual(1_020)
  expect(vi.getTimerCount()).toBe(0)
})
