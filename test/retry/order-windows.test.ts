/** What is kept behind what waits must not fill a window of which the next record is the one that all wait for. */
import { expect, it } from 'vitest'
import type { Attempted } from '../../src/consume/admission.ts'
import { withTrail } from '../../src/topic/trail.ts'
import { returned, World } from './order-world.ts'

const failed: Attempted = { kind: 'threw', type: 'it.Thing', id: 'i', error: new Error('no') }
const tier = 'g.retry.5s'

interface CopyOf {
  readonly key: string
  readonly offset: number
  readonly hop: number
  readonly dueAtMs?: number
  readonly bytes?: number
}

/** A copy that an earlier life has written. */
function copy(world: World, { key, offset, hop, dueAtMs = 900_000, bytes = 1 }: CopyOf): void {
  const origin = { topic: 'a', partition: 0, offset: BigInt(offset), timestampMs: 1_000_000 }
  const trail = { origin, group: 'g', attempt: hop, hop, dueAtMs, redriveCount: 0, firstFailedAtMs: 1 }
  world.land({ topic: tier, partition: 0, key: Buffer.from(key), value: Buffer.alloc(bytes), headers: withTrail([], trail) })
}

async function fetchAll(world: World, topics = world.topics): Promise<void> {
  for (let i = 0; i < 60; i++) for (const topic of topics) if (world.canFetch(topic)) await world.fetch(topic, 1_000)
}

it.each([
  ['is due', 900_000],
  ['falls due', 1_005_000],
])('a tier of followers, with what they wait for behind them, moves on: it %s', async (_, dueAtMs) => {
  const world = new World({ tiers: ['5s'], window: 5_000, windowBytes: 160_500 })
  const entities = 200
  for (let i = 0; i < 2 * entities; i++) world.publish('a', `k${i % entities}`)
  world.commit('a', 2 * entities)
  for (let i = 0; i < entities; i++) copy(world, { key: `k${i}`, offset: entities + i, hop: 2, dueAtMs, bytes: 990 })
  for (let i = 0; i < entities; i++) copy(world, { key: `k${i}`, offset: i, hop: 3, dueAtMs, bytes: 990 })
  await world.start()
  for (let i = 0; i < 50 && world.canFetch(tier); i++) await world.fetch(tier, 10)
  expect(await world.complete()).toEqual([])
})

it('and so it does when the commit has no room for more holes', async () => {
  const world = new World({ tiers: ['5s'], window: 5_000, windowBytes: 16_000_000 })
  const followers = 400
  for (let i = 0; i <= followers; i++) world.publish('a', 'x')
  world.commit('a', followers + 1)
  for (let i = 1; i <= followers; i++) copy(world, { key: 'x', offset: i, hop: 2 })
  for (let i = 0; i < 20_000; i++) world.marker(tier)
  copy(world, { key: 'x', offset: 0, hop: 3 })
  await world.start()
  await fetchAll(world)
  expect(await world.complete()).toEqual([])
})

it('others are handled behind the many followers of one that blocks', async () => {
  const world = new World({ tiers: ['5s'], onExhausted: 'block', window: 5_000, windowBytes: 16_000_000 })
  for (let i = 0; i <= 400; i++) world.publish('a', 'x')
  for (let i = 0; i < 20_000; i++) world.marker('a')
  for (let i = 0; i < 50; i++) world.publish('a', `other ${i}`)
  await world.start()
  let others = 0
  for (let round = 0; round < 60 && others < 50; round++) {
    await fetchAll(world)
    for (const { delivery, end } of world.attempts.splice(0)) {
      const isBad = String(delivery.record.key) === 'x'
      if (!isBad) others++
      end(isBad ? failed : returned)
    }
    await world.turn()
    await world.acknowledge()
    for (const commit of world.commits.splice(0)) commit.answer(true)
    await world.pass(500)
  }
  expect(others).toBe(50)
})

it.each([-1, 1_763_000_000_000_000_000])('a record is known again by its copy, whatever its timestamp: %s', async timestampMs => {
  const world = new World({ tiers: ['5s'], window: 100 })
  for (let i = 0; i < 2; i++) world.publish('a', 'x', { timestampMs })
  await world.start()
  await world.fetchAll()
  await world.end('a0', failed)
  await world.acknowledge()
  expect(await world.complete()).toEqual([])
  expect(world.history.completed()).toEqual([])
})

it('a hundred thousand of one entity are put in order and worked off in seconds', async () => {
  const world = new World({ tiers: ['5s'], window: 5_000, windowBytes: 64_000_000 })
  const count = 100_000
  for (let i = count - 1; i >= 0; i--) copy(world, { key: 'x', offset: i, hop: 1 })
  world.commit('a', count)
  for (let i = 0; i < count; i++) world.marker('a')
  await world.start()
  const [parked] = world.parked()
  expect(parked).toMatchObject({ followers: count - 1, origin: { offset: 0n } })
})
