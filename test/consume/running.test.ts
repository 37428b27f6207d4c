import { expect, test } from 'vitest'
import { type Cancellable, Running } from '../../src/consume/running.ts'

const never = { place: 0, timeoutMs: 60_000, deadlineMs: Number.POSITIVE_INFINITY, timeOut: () => {} }

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
