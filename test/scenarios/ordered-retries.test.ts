/**
 * A message fails twice. The later messages of its entity, of whatever type, wait behind it and come in the order in which they were
 * published; those of other entities, in the same partition, do not wait for it. Followers that are too many to be held in memory
 * move on into the tier in which it waits.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/consume/limits.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

const others = ['a', 'b', 'c', 'd']
const steps = (id: string, count: number) => Array.from({ length: count }, (_, i) => `${id} ${i + 1}`)

async function openShop(count: number) {
  const scenario = await openScenario()
  const { opened, closed } = stepsOn({ partitions: 1 })
  const handled: string[] = []
  const tries: string[] = []
  const ofOthers = () => handled.filter(step => !step.startsWith('poor')).length
  const handle = async ({ id, n }: { id: string; n: number }, { attempt }: { attempt: number }) => {
    tries.push(`${id} ${n} #${attempt}`)
    if (id === 'poor' && n === 2) {
      if (attempt < 3) throw new Error('not yet')
      // Were the others to wait for it, nobody would ever go on.
      await until(() => ofOthers() === others.length * count, { withinMs: patienceMs, what: 'the other entities' })
    }
    handled.push(`${id} ${n}`)
  }
  const shop = consumer(unique('shop'), [on(opened, handle), on(closed, handle)], { retry: { tiers: ['300ms', '700ms'] } })
  await scenario.prepare([shop])
  const publishers = [scenario.client.publisher(opened), scenario.client.publisher(closed)] as const
  const publishAll = () =>
    Promise.all(
      Array.from({ length: count }, (_, i) => ['poor', ...others].map(id => publishers[i % 2]!.publish({ id, n: i + 1 }))).flat(),
    )
  return { ...scenario, shop, handled, tries, publishAll }
}

test('followers of two types wait behind the one that fails, in order, and other entities for nobody', async () => {
  const { run, drained, heard, records, shop, handled, tries, publishAll } = await openShop(12)
  const [retried, followed] = [heard('message.retried'), heard('message.followed')]
  await publishAll()
  await run([shop])
  await drained(shop)

  for (const id of ['poor', ...others]) expect(handled.filter(step => step.startsWith(`${id} `))).toEqual(steps(id, 12))
  expect(tries.filter(step => step.startsWith('poor'))).toEqual([
    'poor 1 #1',
    ...[1, 2, 3].map(attempt => `poor 2 #${attempt}`),
    ...steps('poor', 12)
      .slice(2)
      .map(step => `${step} #1`),
  ])
  expect(retried.map(({ tier }) => tier)).toEqual(shop.ladder.tiers.map(({ topic }) => topic))
  // It is due within seconds, so they are held and cost nothing.
  expect(followed).toEqual([])
  expect(await records(shop.ladder.dlq)).toEqual([])
})

test('followers beyond half the window move on behind it, each once a failure, and still come in order', async () => {
  const count = 40
  const { run, drained, heard, records, trails, shop, handled, tries, publishAll } = await openShop(count)
  const followed = heard('message.followed')
  await publishAll()
  await run([shop], { limits: { ...defaultLimits, partitionWindow: { records: 16, bytes: 16_777_216 } } })
  await drained(shop)

  for (const id of ['poor', ...others]) expect(handled.filter(step => step.startsWith(`${id} `))).toEqual(steps(id, count))
  expect(tries).toHaveLength(handled.length + 2)
  expect(followed.length).toBeGreaterThan(count - 2 - 16)
  expect(followed.length).toBeLessThanOrEqual(2 * (count - 2))
  // Copies of followers have used no attempt, and are due with the one that they follow.
  const ofFollowers = (await Promise.all(shop.ladder.tiers.map(({ topic }) => trails(topic)))).flat().filter(one => !one.failure)
  expect(ofFollowers).toHaveLength(followed.length)
  expect(new Set(ofFollowers.map(({ attempt }) => attempt))).toEqual(new Set([0]))
  expect(await records(shop.ladder.dlq)).toEqual([])
})
