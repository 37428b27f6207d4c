import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Lanes } from '../../src/consume/lanes.ts'
import { until } from '../until.ts'

interface Item {
  readonly lane: string
  readonly number: number
  release: () => void
}

describe('lanes', () => {
  it('run each lane in order and never twice at once, and no more than `concurrency` beside each other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        async (concurrency, keys, picks) => {
          const running: Item[] = []
          const finished: Item[] = []
          const lanes = new Lanes<Item>(concurrency, item => {
            expect(running.some(other => other.lane === item.lane)).toBe(false)
            running.push(item)
            expect(running.length).toBeLessThanOrEqual(concurrency)
            return new Promise(resolve => (item.release = resolve))
          })
          for (const [number, key] of keys.entries())
            lanes.push(String(key % 2), `lane-${key}`, { lane: `lane-${key}`, number, release: () => {} })
          while (finished.length < keys.length) {
            const [item] = running.splice(picks.next().value! % running.length, 1)
            finished.push(item!)
            item!.release()
            await until(
              () =>
                running.length ===
                Math.min(concurrency, new Set(keys.filter((_, n) => !finished.some(f => f.number === n))).size),
              { withinMs: 1_000, what: 'free lanes start' },
            )
          }
          for (const lane of new Set(keys)) {
            const numbers = finished.filter(item => item.lane === `lane-${lane}`).map(item => item.number)
            expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('start nothing after close and are idle when what ran has finished', async () => {
    const started: string[] = []
    let release = (): void => {}
    const lanes = new Lanes<string>(1, item => {
      started.push(item)
      return new Promise(resolve => (release = resolve))
    })
    lanes.push('p', 'a', 'first')
    lanes.push('p', 'a', 'second')
    lanes.push('p', 'b', 'third')
    lanes.close()
    release()
    await lanes.idle()
    expect(started).toEqual(['first'])
    expect(lanes.size).toBe(2)
  })

  it('give the place of an item that waits to others, and it back when there is one', async () => {
    const order: string[] = []
    const waits = Promise.withResolvers<void>()
    const busy = Promise.withResolvers<void>()
    const lanes: Lanes<string> = new Lanes(1, async item => {
      order.push(`${item} starts`)
      if (item === 'blocked') await lanes.suspend(waits.promise)
      if (item === 'busy') await busy.promise
      order.push(`${item} ends`)
    })
    for (const item of ['blocked', 'quick', 'busy', 'last']) lanes.push('p', item, item)
    await until(() => order.includes('busy starts'), { withinMs: 1_000, what: 'the others run' })
    waits.resolve()
    await Promise.resolve()
    expect(order).toEqual(['blocked starts', 'quick starts', 'quick ends', 'busy starts'])
    busy.resolve()
    lanes.close()
    await lanes.idle()
    expect(order).toEqual(['blocked starts', 'quick starts', 'quick ends', 'busy starts', 'busy ends', 'blocked ends'])
  })

  it('lend the place of an item that needs none any more, and count it until it has ended', async () => {
    const started: string[] = []
    const copied = Promise.withResolvers<void>()
    const busy = Promise.withResolvers<void>()
    const ended: string[] = []
    const lanes: Lanes<string> = new Lanes(1, async item => {
      started.push(item)
      if (item.startsWith('failed')) await lanes.lend(copied.promise)
      if (item === 'busy') await busy.promise
      ended.push(item)
    })
    for (const item of ['failed', 'failed too', 'busy', 'last']) lanes.push('p', item, item)
    lanes.push('p', 'failed', 'its follower')
    expect(started).toEqual(['failed', 'failed too', 'busy'])
    copied.resolve()
    // Though the only place is taken.
    await until(() => ended.length === 2, { withinMs: 1_000, what: 'those that lent their place to end' })
    expect([started.length, lanes.running]).toEqual([3, 1])
    busy.resolve()
    await until(() => lanes.size === 0, { withinMs: 1_000, what: 'all' })
    expect(started.slice(3)).toEqual(['last', 'its follower'])
  })

  it('are idle only when what waits has come back', async () => {
    const waits = Promise.withResolvers<void>()
    const lanes: Lanes<string> = new Lanes(2, item => lanes[item === 'a' ? 'suspend' : 'lend'](waits.promise))
    for (const item of ['a', 'b']) lanes.push('p', item, item)
    lanes.close()
    let isIdle = false
    const idle = lanes.idle().then(() => {
      isIdle = true
    })
    await Promise.resolve()
    expect(isIdle).toBe(false)
    waits.resolve()
    await idle
  })

  it('forget those that have long been idle, and none that has something to do', async () => {
    const waits = Promise.withResolvers<void>()
    let count = 0
    const lanes = new Lanes<string>(1_000, item => (item === 'waits' ? waits.promise : Promise.resolve(void count++)))
    lanes.push('p', 'busy', 'waits')
    lanes.push('p', 'busy', 'next')
    for (let i = 0; i < 45_000; i++) lanes.push(`p${i % 3}`, `lane ${i}`, 'quick')
    await until(() => count === 45_000, { withinMs: 10_000, what: 'all but the one that waits' })
    expect(lanes.kept).toBeLessThanOrEqual(20_002)
    expect(lanes.current()).toEqual(['waits'])
    waits.resolve()
    await until(() => lanes.size === 0, { withinMs: 1_000, what: 'the lane that was busy to go on' })
    expect(count).toBe(45_001)
  })
})
