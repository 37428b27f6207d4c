/**
 * Some entities fail at every try and go up the ladder, all others go well: the breaker must stay closed, also while nothing but the copies of those that
 * fail comes back. Played in time that stands still, with places for so many at once.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answers } from '../../examples/retail/mailer.ts'
import type { Attempted } from '../../src/consume/admission.ts'
import { entityOf } from '../../src/consume/delivery.ts'
import { breakerFixture, deliveryOf, threw, times, well } from './breaker-fixture.ts'

interface Play {
  /** In the order in which they come, with their times. */
  readonly messages: readonly { readonly key: string; readonly atMs: number }[]
  readonly answer: (key: string, sinceMs: number) => Attempted
  readonly concurrency: number
  readonly tiersMs: readonly number[]
  readonly wellMs: number
  readonly failsMs: number
}

/** What the breaker told, how many were given up, and how many had failed before it opened. */
function play({ messages, answer, concurrency, tiersMs, wellMs, failsMs }: Play): {
  told: string[]
  letters: number
  failedBefore: number
} {
  const copiesReturnMs = tiersMs.reduce((sum, ms) => sum + ms, 0)
  const { breaker, clock, told, running, lanes } = breakerFixture({ copiesReturnMs })
  const queue: { key: string; attempt: number; failedWith?: string }[] = []
  const startMs = clock.now()
  let failedBefore = 0
  const lastTurns = new Map<string, number>()
  let turns = 0
  let free = concurrency
  let letters = 0
  const enqueue = (item: (typeof queue)[number]) => {
    queue.push(item)
    start()
  }
  const start = () => {
    for (; free > 0 && queue.length > 0 && !breaker.isOpen; free--) {
      const item = queue.shift()!
      const { key, attempt, failedWith } = item
      const delivery = deliveryOf(key, failedWith)
      const beganMs = clock.now()
      const turn = ++turns
      running.add(entityOf(delivery))
      breaker.began(delivery)
      const attempted = answer(key, beganMs - startMs)
      clock.setTimer(
        () => {
          running.delete(entityOf(delivery))
          free++
          lanes.endedSince = () =>
            [...lastTurns].filter(([other, last]) => last > turn && !running.has(other)).map(([other]) => other)
          lastTurns.set(entityOf(delivery), turn)
          if (attempted.kind !== 'returned' || breaker.isWatching) {
            breaker.judge({ delivery, attempted, beganMs, isProbe: false })
            if (attempted.kind === 'threw' && attempted.error === 'down' && !breaker.isOpen) failedBefore++
          }
          if (attempted.kind === 'threw') {
            const delayMs = tiersMs[attempt - 1]
            const copy = { key, attempt: attempt + 1, failedWith: String(attempted.error) }
            if (delayMs === undefined) letters++
            else clock.setTimer(() => enqueue(copy), delayMs)
          }
          start()
        },
        attempted.kind === 'threw' ? failsMs : wellMs,
      )
    }
  }
  const comes = (n: number) => {
    for (let next = n; next < messages.length; next++) {
      const { key, atMs } = messages[next]!
      // One timer at a time: thousands of them are what takes long.
      if (startMs + atMs > clock.now()) return void clock.setTimer(() => comes(next), startMs + atMs - clock.now())
      enqueue({ key, attempt: 1 })
    }
  }
  comes(0)
  clock.advanceTo(startMs + messages.at(-1)!.atMs + copiesReturnMs + 3_600_000)
  return { told, letters, failedBefore }
}

/** 0 <= n < 1, every number as likely as another: mulberry32. */
function evenly(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const defaultTiers = [1_000, 5_000, 30_000, 300_000]

describe('one entity in five failing with one error leaves it closed', () => {
  it('however fast they come, however many at once, whichever is faster to end', () => {
    const plays = fc.record({
      count: fc.integer({ min: 50, max: 1_000 }),
      perSecond: fc.constantFrom(1, 2, 3, 4, 5, 10, 100, Number.POSITIVE_INFINITY),
      concurrency: fc.constantFrom(1, 8, 64, 1_024),
      tiersMs: fc.constantFrom(defaultTiers, [100], [], [1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 600_000]),
      wellMs: fc.constantFrom(0, 5, 200),
      failsMs: fc.constantFrom(0, 5, 1_000),
      seed: fc.nat(),
    })
    let ended = 0
    // One in some ten thousand has twenty failing entities among forty in a row, and opens it: so the seed is fixed.
    fc.assert(
      fc.property(plays, ({ count, perSecond, seed, ...rest }) => {
        const draw = evenly(seed)
        const failing = new Set(times(count, n => `e${n}`).filter(() => draw() < 0.2))
        const messages = times(count, n => ({ key: `e${n}`, atMs: n / (perSecond / 1_000) }))
        const { told, letters } = play({ ...rest, messages, answer: key => (failing.has(key) ? threw('bug') : well) })
        expect(told).toEqual([])
        expect(letters).toBe(failing.size)
        ended += letters
      }),
      { seed: 20_26, numRuns: 60 },
    )
    expect(ended).toBeGreaterThan(1_000)
  }, 60_000)
})

describe('all of them failing opens it', () => {
  it.each([1, 3, 10, 1_000])('at %i messages a second', perSecond => {
    const messages = times(500, n => ({ key: `e${n}`, atMs: (n * 1_000) / perSecond }))
    const all = { messages, answer: () => threw('down'), concurrency: 64, tiersMs: defaultTiers, wellMs: 5, failsMs: 5 }
    expect(play(all).told[0]).toMatch(/^opened: down/)
  })

  it.each([
    [10, 64, 5],
    [100, 64, 5],
    [100, 64, 1_000],
    [1_000, 8, 1],
    [1_000, 64, 5],
    [1_000, 64, 1_000],
    [1_000, 1_024, 1_000],
  ])('from one moment to the next, of %i a second, %i at once, that take %i ms to fail', (perSecond, concurrency, failsMs) => {
    const messages = times(9 * perSecond, n => ({ key: n % 50 === 0 ? 'poison' : `e${n}`, atMs: (n * 1_000) / perSecond }))
    const answer = (key: string, sinceMs: number) => (key === 'poison' ? threw('bug') : sinceMs > 5_000 ? threw('down') : well)
    const { told, failedBefore } = play({ messages, answer, concurrency, tiersMs: defaultTiers, wellMs: 5, failsMs })
    expect(told[0]).toMatch(/^opened: down/)
    // A few more where so little comes that the first ones are back before it is enough.
    expect(failedBefore).toBeLessThan(30 + concurrency)
  })
})

it('the mail server of the demo leaves it closed', () => {
  const answer = answers()
  const messages = times(2_000, n => ({ key: String(536_365 + n), atMs: 0 }))
  const mailing = (key: string): Attempted => {
    const status = answer(key)
    if (status === 422) return { kind: 'threw', type: 'it.Thing', id: 'i', error: '' }
    return status === 503 ? threw('503') : well
  }
  for (const concurrency of [1, 32, 1_024]) {
    const { told } = play({ messages, answer: mailing, concurrency, tiersMs: [200, 1_000], wellMs: 2, failsMs: 2 })
    expect(told).toEqual([])
  }
})
