/** Interleavings that simpler rules got wrong, each found by a model checker, as fixed cases. */
import { describe, expect, it } from 'vitest'
import type { Attempted } from '../../src/consume/admission.ts'
import { textHeader } from '../../src/message/headers.ts'
import { copyStateOf } from '../../src/retry/identity.ts'
import { IndexBuilder } from '../../src/retry/order-index.ts'
import { returned, World, type WorldOptions } from './order-world.ts'

const failed: Attempted = { kind: 'threw', type: 'it.Thing', id: 'i', error: new Error('no') }

async function worldWith(keys: string, options: WorldOptions = {}): Promise<World> {
  const world = new World({ window: 100, ...options })
  for (const key of keys) world.publish('a', key)
  await world.start()
  await world.fetchAll()
  return world
}

const lengthOf = (world: World, topic: string) => world.logs.get(topic)!.length
const dies = { nothing: () => false, nothingApplied: () => false }

describe('a follower', () => {
  it('is not written to a tier before the copy that it follows is acknowledged', async () => {
    const world = await worldWith('xx', { tiers: ['30s'] })
    await world.end('a0', failed)
    await world.fetchAll()
    expect(world.sends.map(({ record }) => record.topic)).toEqual(['g.retry.30s'])
    expect(world.running).toEqual([])
    await world.acknowledge()
    expect(lengthOf(world, 'g.retry.30s')).toBe(2)
  })

  it('moves on once for each move of what it follows, however long that runs, and oldest first', async () => {
    const world = await worldWith('xxxx', { tiers: ['30s', '1m'] })
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    await world.pass(30_000)
    expect(world.running).toEqual(['a0'])
    // While the head runs nothing moves, due or not.
    await world.pass(29_000)
    expect([world.sends.length, lengthOf(world, 'g.retry.30s')]).toEqual([0, 4])
    await world.end('a0', failed)
    await world.acknowledge()
    expect(lengthOf(world, 'g.retry.1m')).toBe(4)
    expect(
      world.logs.get('g.retry.1m')!.map(record => record!.headers.find(([name]) => name === 'spillway-order')![1]!.toString()),
    ).toEqual(['0', '1', '2', '3'])
    expect(world.history.counts).toMatchObject({ failures: 2, followed: 6 })
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })

  it('stays in memory when what it follows is due soon, and moves nowhere', async () => {
    const world = await worldWith('xxxx', { tiers: ['1s', '5s'] })
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    await world.pass(1_000)
    await world.end('a0', failed)
    await world.acknowledge()
    expect(world.history.counts).toMatchObject({ failures: 2, followed: 0 })
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })

  it('goes into the tier of the one before it, never to another, though that tier is configured no longer', async () => {
    const world = await worldWith('x', { tiers: ['1s', '30s'] })
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    await world.pass(1_000)
    await world.end('a0', failed)
    await world.acknowledge()
    world.publish('a', 'x')
    await world.crash(dies.nothing, dies.nothingApplied, ['1s'])
    await world.fetchAll()
    await world.acknowledge()
    expect(lengthOf(world, 'g.retry.30s')).toBe(2)
    expect(lengthOf(world, 'g.retry.1s')).toBe(1)
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })

  it('does not keep others waiting, however many there are', async () => {
    const world = await worldWith('xxxxxxxxxxxxy', { window: 4, tiers: ['5s'] })
    for (let i = 0; i < 50 && !world.running.includes('a12'); i++) {
      if (world.running.includes('a0')) await world.end('a0', failed)
      await world.acknowledge()
      await world.fetchAll()
    }
    expect(world.running).toEqual(['a12'])
    await world.end('a12', returned)
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })
})

describe('a copy in a tier', () => {
  it('waits until its source has been read past it: a smaller number may lie there', async () => {
    const world = new World({ tiers: ['1s'] })
    world.publish('a', 'x')
    world.publish('a', 'x', { headers: [textHeader('spillway-due-at', '1001000')] })
    await world.start()
    await world.fetch('a', 2)
    await world.end('a0', failed)
    // The copy of #0 is not written when the process dies; that of #1, delayed by its publisher, lies there from an earlier life.
    world.land({
      ...world.sends[0]!.record,
      headers: world.sends[0]!.record.headers.map(([name, value]) =>
        name === 'spillway-order' || name === 'spillway-origin-offset' ? textHeader(name, '1') : [name, value],
      ),
    })
    await world.crash(dies.nothing, dies.nothingApplied)
    await world.pass(5_000)
    await world.fetch('g.retry.1s', 1)
    expect(world.running).toEqual([])
    await world.fetch('a', 1)
    expect(world.running).toEqual(['a0'])
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })

  it('waits for no number that a source made anew does not have', async () => {
    const world = await worldWith('xxxxxx', { tiers: ['1s'] })
    for (let i = 0; i < 5; i++) await world.end(`a${i}`, returned)
    await world.end('a5', failed)
    await world.acknowledge()
    world.remake('a')
    world.publish('a', 'y')
    await world.crash(dies.nothing, dies.nothingApplied)
    await world.pass(5_000)
    await world.fetch('g.retry.1s', 1)
    expect(world.running).toEqual([])
    await world.fetch('a', 1)
    expect(world.running).toEqual(['a0', 'a5'])
    expect(await world.complete()).toEqual([])
  })

  it('is no copy of what a source made anew has at its offset: both run', async () => {
    const world = await worldWith('x', { tiers: ['1s'] })
    await world.end('a0', failed)
    await world.acknowledge()
    world.remake('a')
    await world.pass(10)
    world.publish('a', 'x')
    await world.crash(dies.nothing, dies.nothingApplied)
    await world.fetchAll()
    await world.pass(1_000)
    const first = world.attempts[0]!.delivery
    expect(first.trail).toBeDefined()
    await world.end('a0', returned)
    expect(world.attempts.map(({ delivery }) => delivery.trail)).toEqual([undefined])
    expect(await world.complete()).toEqual([])
  })

  it('runs once, though its produce was tried twice and landed twice', async () => {
    const world = await worldWith('x', { tiers: ['1s'] })
    await world.end('a0', failed)
    world.sends.splice(0)[0]!.answer('lost-answer')
    await world.fetchAll()
    await world.pass(500)
    await world.acknowledge()
    await world.fetchAll()
    expect(lengthOf(world, 'g.retry.1s')).toBe(2)
    await world.pass(2_000)
    expect(world.running).toEqual(['a0'])
    await world.end('a0', returned)
    await world.pass(2_000)
    expect(world.running).toEqual([])
    expect(await world.complete()).toEqual([])
  })

  it('of a process that is gone, arriving when its number has ended, does not run', async () => {
    const world = await worldWith('x', { tiers: ['1s'] })
    await world.end('a0', failed)
    await world.crash(() => 'late', dies.nothingApplied)
    await world.fetchAll()
    await world.end('a0', returned)
    world.land(world.late.splice(0)[0]!)
    await world.fetchAll()
    await world.pass(5_000)
    expect(world.running).toEqual([])
    expect(await world.complete()).toEqual([])
  })

  it('with the most hops is the live one of several, and its attempts count', () => {
    const index = new IndexBuilder<string>()
    const identity = { entity: 'e', topic: 'a', number: 5n, timestampMs: 1 }
    const state = (hop: number) =>
      copyStateOf({
        hop,
        attempt: hop,
        redriveCount: 0,
        group: 'g',
        origin: { topic: 'a', partition: 0, offset: 5n, timestampMs: 1 },
      })
    const place = (offset: bigint) => ({ topic: 't', offset })
    expect(index.add(identity, place(1n), state(2))).toBeUndefined()
    expect(index.add(identity, place(2n), state(1))).toEqual(place(2n))
    expect(index.add(identity, place(3n), state(3))).toEqual(place(1n))
    expect(index.build().get(identity)).toMatchObject({ live: place(3n), copy: { attempt: 3 } })
  })
})

describe('a commit', () => {
  it('has the finish of a copy and of what it came from, and of what ran after it, in one request', async () => {
    const world = await worldWith('xx', { tiers: ['1s'] })
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    world.commits = []
    await world.pass(1_000)
    await world.end('a0', returned)
    await world.end('a1', returned)
    await world.crash(dies.nothing, dies.nothingApplied)
    await world.fetchAll()
    await world.end('a0', returned)
    await world.end('a1', returned)
    await world.pass(200)
    expect(world.commits.map(({ offsets }) => offsets.map(({ topic, offset }) => `${topic}:${offset}`))).toEqual([
      ['a:2', 'g.retry.1s:1'],
    ])
  })
})

describe('a redriven letter', () => {
  it('keeps no message of its entity waiting, and is no copy of one', async () => {
    const world = await worldWith('x', { tiers: ['30s'] })
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    await world.pass(30_000)
    await world.end('a0', failed)
    await world.acknowledge()
    expect(world.letters).toBe(1)
    world.redrive(0, 'r')
    await world.fetchAll()
    await world.end('a0', failed)
    await world.acknowledge()
    world.publish('a', 'x')
    await world.fetchAll()
    expect(world.running).toEqual(['a1'])
    await world.end('a1', returned)
    expect(world.history.counts.followed).toBe(0)
    expect(await world.complete()).toEqual([])
    expect(world.history.completed()).toEqual([])
  })

  it('waits for the smaller ones of its own run', async () => {
    const world = await worldWith('xx', { tiers: ['1s'] })
    for (const message of ['a0', 'a0', 'a1', 'a1']) {
      await world.end(message, failed)
      await world.acknowledge()
      await world.fetchAll()
      await world.pass(1_000)
    }
    expect(world.letters).toBe(2)
    world.redrive(0, 'r')
    world.redrive(1, 'r')
    await world.fetchAll()
    await world.end('a0', failed)
    await world.acknowledge()
    await world.fetchAll()
    expect(world.running).toEqual([])
    await world.pass(1_000)
    expect(world.running).toEqual(['a0'])
    expect(await world.complete()).toEqual([])
  })
})

describe("an exhausted message, with onExhausted: 'block'", () => {
  it('is tried again every longest delay while its followers wait, until a try succeeds', async () => {
    const world = await worldWith('xx', { tiers: ['1s'], onExhausted: 'block' })
    for (let tries = 0; tries < 6; tries++) {
      expect(world.running).toEqual(['a0'])
      await world.end('a0', failed)
      await world.acknowledge()
      await world.fetchAll()
      await world.pass(1_000)
    }
    expect(world.letters).toBe(0)
    await world.end('a0', returned)
    expect(world.running).toEqual(['a1'])
    expect(await world.complete()).toEqual([])
  })
})

describe('where another member has some of the logs, as in a deploy in which nobody reads them all', () => {
  it.each(['g.retry.30s', 'a'])('a copy that it wrote runs here: it has %s', async topic => {
    const world = await worldWith('x', { tiers: ['1s', '30s'] })
    await world.end('a0', failed)
    const [copy] = world.sends
    world.foreign.add(topic)
    await world.crash(dies.nothing, dies.nothingApplied)
    await world.fetchAll()
    if (topic !== 'a') await world.end('a0', returned)
    world.land(copy!.record)
    await world.fetchAll()
    await world.pass(1_000)
    expect(world.running).toContain('a0')
  })

  it('nobody waits for the end of what has gone there', async () => {
    const world = new World({ tiers: ['30s'], window: 100 })
    world.foreign.add('g.retry.30s')
    world.publish('a', 'x')
    world.publish('a', 'x')
    await world.start()
    await world.fetchAll()
    await world.end('a0', failed)
    await world.acknowledge()
    expect(world.running).toEqual(['a1'])
  })
})
