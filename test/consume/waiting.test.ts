import { describe, expect, it } from 'vitest'
import { Waiting } from '../../src/consume/waiting.ts'
import { ManualClock } from '../manual-clock.ts'

describe('waiting records', () => {
  it('fall due in the order of their times, never early, even when the timer fires early', () => {
    const clock = new ManualClock(1_000)
    const due: string[] = []
    const waiting = new Waiting<string>(clock, item => due.push(item))
    waiting.add('b', 1_200)
    waiting.add('c', 1_300)
    waiting.add('a', 1_100)
    clock.fireEarly(1_099)
    expect(due).toEqual([])
    clock.advanceTo(1_100)
    expect(due).toEqual(['a'])
    clock.advanceTo(1_500)
    expect(due).toEqual(['a', 'b', 'c'])
    expect(waiting.size).toBe(0)
  })

  it('wait longer than a timer of Node can', () => {
    const clock = new ManualClock(0)
    const due: string[] = []
    const thirtyDays = 30 * 86_400_000
    new Waiting<string>(clock, item => due.push(item)).add('late', thirtyDays)
    clock.advanceTo(thirtyDays - 1)
    expect(due).toEqual([])
    expect(clock.longestTimerMs).toBeLessThan(2 ** 31)
    clock.advanceTo(thirtyDays)
    expect(due).toEqual(['late'])
  })

  it('are forgotten when cleared', () => {
    const clock = new ManualClock(0)
    const due: string[] = []
    const waiting = new Waiting<string>(clock, item => due.push(item))
    waiting.add('a', 10)
    waiting.clear()
    clock.advanceTo(100)
    expect(due).toEqual([])
  })
})
