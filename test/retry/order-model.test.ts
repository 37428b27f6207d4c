import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Attempted } from '../../src/consume/admission.ts'
import { DeadLetter, RetryLater, Skip } from '../../src/consume/outcome.ts'
import { returned, World, type WorldOptions } from './order-world.ts'

/** Random numbers that a failing run can be told by. */
type Draw = (below: number) => number

interface Faults {
  crashes: number
  rebalances: number
  /** What is on the wire at a crash may arrive in the time of the next process. */
  late?: boolean
}

const threw = (error: unknown): Attempted => ({ kind: 'threw', type: 'it.Thing', id: 'i', error })

function someResult(draw: Draw): Attempted {
  const drawn = draw(20)
  if (drawn < 9) return returned
  if (drawn < 17) return threw(new Error('no'))
  return threw([new RetryLater('3s'), new RetryLater('45s'), drawn === 19 ? new DeadLetter('never') : new Skip()][drawn - 17])
}

/** One thing that may happen next. Nothing here is more likely to be right than another. */
async function step(world: World, draw: Draw, faults: Faults & { redrives: number }): Promise<void> {
  const fetchable = world.topics.filter(topic => world.canFetch(topic))
  const happenings: (() => Promise<void> | void)[] = []
  const may = (weight: number, happening: () => Promise<void> | void): void => {
    for (let i = 0; i < weight; i++) happenings.push(happening)
  }
  if (fetchable.length > 0) may(4, () => world.fetch(fetchable[draw(fetchable.length)]!, 1 + draw(3)))
  if (world.attempts.length > 0) may(4, () => world.attempts.splice(draw(world.attempts.length), 1)[0]!.end(someResult(draw)))
  if (world.sends.length > 0) {
    may(5, () => {
      const how = (['lost-answer', 'refused'] as const)[draw(12)] ?? 'acknowledged'
      world.sends.splice(draw(world.sends.length), 1)[0]!.answer(how)
    })
  }
  if (world.commits.length > 0) may(2, () => world.commits.splice(0, 1)[0]!.answer(draw(6) > 0))
  may(2, () => world.pass([1, 200, 1_000, 30_000][draw(4)]!))
  if (world.late.length > 0) may(1, () => world.land(world.late.shift()!))
  if (draw(40) === 0) may(2, () => world.marker(world.topics[draw(world.topics.length)]!))
  if (faults.crashes > 0 && draw(12) === 0) {
    may(6, () => {
      faults.crashes--
      const tiers = draw(4) === 0 ? (['1s'] as const) : undefined
      const landed = () => (faults.late && draw(3) === 0 ? ('late' as const) : draw(2) === 0)
      return world.crash(landed, () => draw(2) === 0, tiers)
    })
  }
  if (faults.rebalances > 0 && draw(15) === 0) {
    may(6, () => {
      faults.rebalances--
      return world.rebalance(attempt => attempt.end(someResult(draw)))
    })
  }
  if (faults.redrives < world.letters && draw(6) === 0) may(4, () => world.redrive(faults.redrives++, `r${draw(2)}`))
  await happenings[draw(happenings.length)]!()
  await world.turn()
}

async function story(options: WorldOptions, steps: number, faults: Faults, draw: Draw) {
  const world = new World(options)
  const published = 4 + draw(8)
  for (let i = 0; i < published; i++) world.publish(['a', 'b'][draw(2)]!, ['x', 'y'][draw(2)]!)
  await world.start()
  const left = { ...faults, redrives: 0 }
  for (let i = 0; i < steps; i++) {
    await step(world, draw, left)
    if (draw(12) === 0) world.publish(['a', 'b'][draw(2)]!, ['x', 'y'][draw(2)]!)
  }
  const unfinished = await world.complete()
  return { unfinished, violations: world.history.completed(), world }
}

/** A run is told by its seed: the same one gives the same run again. */
function drawing(seed: number): Draw {
  let state = seed >>> 0
  return below => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const runs = Number(process.env.ORDER_RUNS ?? 150)

describe('whatever happens in whatever order, each entity keeps its order and everything ends', () => {
  it.each([
    ['without a crash', {}, { crashes: 0, rebalances: 0 }],
    ['with rebalances', {}, { crashes: 0, rebalances: 3 }],
    ['with crashes', {}, { crashes: 3, rebalances: 1 }],
    ['with crashes, where an exhausted message blocks its entity', { onExhausted: 'block' }, { crashes: 2, rebalances: 1 }],
    ['with a window of two', { window: 2 }, { crashes: 1, rebalances: 1 }],
    ['with what a dead process sent arriving late', {}, { crashes: 1, rebalances: 0, late: true }],
    ['with room for all', { window: 100 }, { crashes: 2, rebalances: 1 }],
  ] as [string, WorldOptions, Faults][])(
    '%s',
    async (_, options, faults) => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 20, max: 160 }), async (seed, steps) => {
          const { unfinished, violations } = await story(options, steps, faults, drawing(seed))
          expect({ unfinished, violations }).toEqual({ unfinished: [], violations: [] })
        }),
        { numRuns: runs },
      )
    },
    120_000,
  )
})
