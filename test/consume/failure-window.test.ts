/** The counts of the window, against a model that keeps everything and counts it anew each time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FailureWindow, type Standing } from '../../src/consume/failure-window.ts'

const windowMs = 1_000
const sliceMs = windowMs / 100

class Model {
  readonly ends = new Map<string, { slice: number; began?: number; fingerprint: string | undefined }>()
  readonly running = new Set<string>()
  /** Those in which a try has ended: a failure counts from the first of these that is not before its beginning. */
  readonly slices = new Set<number>()
  readonly failures: { slice: number; began: number; fingerprint: string }[] = []

  standing(fingerprint: string, nowMs: number): Standing {
    const inWindow = ({ slice }: { slice: number }) => slice > Math.floor(nowMs / sliceMs) - 100
    const recent = [...this.ends].filter(([, end]) => inWindow(end))
    const failed = recent.filter(([, end]) => end.fingerprint === fingerprint)
    const same = this.failures.filter(failure => inWindow(failure) && failure.fingerprint === fingerprint)
    const since = Math.min(...same.map(({ began }) => began))
    const ended = recent.filter(([, { slice }]) => slice >= since).map(([entity]) => entity)
    return { failed: failed.length, ended: ended.length, tried: new Set([...this.running, ...ended]).size }
  }

  /** Whether in any time up to now so many failed, and were this part of all. */
  hasSurge(fingerprint: string, nowMs: number, entities: number, share: number): boolean {
    const last = Math.floor(nowMs / sliceMs)
    return Array.from({ length: 100 }, (_, back) => last - back).some(since => {
      const ended = [...this.ends].filter(([, { slice }]) => slice >= since)
      const failed = ended.filter(([, end]) => end.fingerprint === fingerprint && end.began! >= since).length
      const tried = new Set([...this.running, ...ended.map(([entity]) => entity)]).size
      return failed >= entities && failed >= share * tried
    })
  }
}

const entity = fc.nat(12).map(n => `entity-${n}`)
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('begins' as const), entity }),
    fc.record({ kind: fc.constant('gives up' as const), entity }),
    fc.record({ kind: fc.constant('goes well' as const), entity }),
    fc.record({ kind: fc.constant('fails' as const), entity, fingerprint: fc.constantFrom('a', 'b'), tookMs: fc.nat(700) }),
    fc.record({ kind: fc.constant('passes' as const), ms: fc.nat(400) }),
  ),
  { maxLength: 200 },
)

describe('the window of failures', () => {
  it('counts the entities whose last try failed so, of all that were tried since the first try that failed so began', () => {
    fc.assert(
      fc.property(steps, all => {
        const window = new FailureWindow(windowMs)
        const model = new Model()
        let nowMs = 5_000
        for (const step of all) {
          if (step.kind === 'passes') nowMs += step.ms
          if (step.kind === 'begins') {
            window.began(step.entity)
            model.running.add(step.entity)
          }
          if (step.kind === 'gives up') {
            window.gaveUp(step.entity)
            model.running.delete(step.entity)
          }
          const slice = Math.floor(nowMs / sliceMs)
          if (step.kind === 'goes well') {
            window.wentWell(step.entity, nowMs)
            model.running.delete(step.entity)
            model.ends.set(step.entity, { slice, fingerprint: undefined })
            model.slices.add(slice)
          }
          if (step.kind === 'fails') {
            const { fingerprint, tookMs } = step
            window.failed(step.entity, nowMs, fingerprint, nowMs - tookMs)
            model.running.delete(step.entity)
            const beganAt = Math.floor((nowMs - tookMs) / sliceMs)
            model.slices.add(slice)
            const began = Math.min(...[...model.slices].filter(index => index >= beganAt))
            model.ends.set(step.entity, { slice, began, fingerprint })
            model.failures.push({ slice, began: beganAt, fingerprint })
          }
          let failing = 0
          for (const fingerprint of ['a', 'b']) {
            const expected = model.standing(fingerprint, nowMs)
            failing += expected.failed
            const found = window.standing(fingerprint, nowMs)
            if (expected.failed > 0) expect(found).toEqual(expected)
            else expect(found.failed).toBe(0)
            const surge = window.surge(fingerprint, 3, 0.7)
            expect(surge !== undefined).toBe(model.hasSurge(fingerprint, nowMs, 3, 0.7))
            if (surge) expect(surge.failed / surge.tried).toBeGreaterThanOrEqual(0.7)
          }
          expect(window.hasFailures(nowMs)).toBe(failing > 0)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('counts what was tried also when the first failing try began before it reaches back', () => {
    const window = new FailureWindow(1_000)
    window.wentWell('early', 300)
    window.failed('slow', 900, 'x', 300)
    window.wentWell('good', 910)
    expect(window.standing('x', 1_400)).toEqual({ failed: 1, ended: 2, tried: 2 })
  })

  it('is as long as it says, to a hundredth', () => {
    const window = new FailureWindow(10_000)
    window.failed('a', 0, 'x', 0)
    expect(window.standing('x', 9_899)).toEqual({ failed: 1, ended: 1, tried: 1 })
    expect(window.standing('x', 10_000)).toEqual({ failed: 0, ended: 0, tried: 0 })
  })

  it('forgets the oldest, tried and failed alike, when there are more entities than it may remember', () => {
    const window = new FailureWindow(10_000, 100)
    for (let n = 0; n < 100; n++) window.failed(`failed-${n}`, n, 'x', n)
    for (let n = 0; n < 60; n++) window.wentWell(`well-${n}`, 1_000)
    const { failed, tried } = window.standing('x', 1_000)
    expect([failed, tried]).toEqual([0, 0])
    window.failed('last', 1_100, 'x', 1_100)
    expect(window.standing('x', 1_100)).toEqual({ failed: 1, ended: 1, tried: 1 })
  })

  it('holds to its bound within one slice too', () => {
    const window = new FailureWindow(10_000, 100)
    for (let n = 0; n < 1_000; n++) window.failed(`e-${n}`, 0, 'x', 0)
    expect(window.standing('x', 0).failed).toBeLessThanOrEqual(100)
  })

  it('counts on when the clock is put back', () => {
    const window = new FailureWindow(10_000)
    window.failed('a', 50_000, 'x', 50_000)
    window.failed('b', 10_000, 'x', 10_000)
    expect(window.standing('x', 10_000)).toEqual({ failed: 2, ended: 2, tried: 2 })
  })
})
