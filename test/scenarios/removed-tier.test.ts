/**
 * A deploy removes the tier in which entities wait. The new version reads it all the same: what waits there comes when it is due, the
 * later messages of its entity stay behind it, in that very tier where the wait is long, and other entities do not wait.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

const patience = { withinMs: patienceMs }
const poor = ['a', 'b', 'c', 'd']

test('entities that wait in a tier that is removed keep their order', async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const { opened } = stepsOn({ partitions: 4 })
  const group = unique('shrinking')
  const handled: string[] = []
  const failed: { id: string; attempt: number; atMs: number }[] = []
  const triedAgain: { id: string; atMs: number }[] = []
  const step = on(opened, ({ id, n }, { attempt }) => {
    if (poor.includes(id) && n === 1 && attempt < 3) {
      failed.push({ id, attempt, atMs: Date.now() })
      throw new Error('not yet')
    }
    if (attempt === 3) triedAgain.push({ id, atMs: Date.now() })
    handled.push(`${id} ${n}`)
  })
  const before = consumer(group, [step], { retry: { tiers: ['200ms', '14s'] } })
  const after = consumer(group, [step], { retry: { tiers: ['200ms'] } })
  await prepare([before])
  const followed = heard('message.followed')
  const { publish } = client.publisher(opened)
  const published: { id: string; n: number }[] = []
  const say = (ids: readonly string[], n: number) => {
    const steps = ids.map(id => ({ id, n }))
    published.push(...steps)
    return Promise.all(steps.map(one => publish(one)))
  }

  const old = await Promise.all([run([before]), run([before])])
  await say(poor, 1)
  await until(() => failed.length === 2 * poor.length, { ...patience, what: 'all to wait in the tier that goes' })
  await say(poor, 2)
  const next = [await run([after])]
  await old[0]!.stop()
  await say(poor, 3)
  next.push(await run([after]))
  await old[1]!.stop()
  // Further away than what is held in memory: they move on, also those that a process before had held.
  await until(() => new Set(followed.map(({ origin }) => `${origin.partition} ${origin.offset}`)).size >= 2 * poor.length, {
    ...patience,
    what: 'followers to move on',
  })
  await say(['x', 'y', 'z'], 1)
  await until(() => handled.length === 3, { ...patience, what: 'entities that do not wait' })
  await say(poor, 4)
  await drained(before)

  for (const id of poor) expect(handled.filter(one => one.startsWith(`${id} `))).toEqual([1, 2, 3, 4].map(n => `${id} ${n}`))
  expect(handled).toHaveLength(published.length)
  const [, removed] = before.ladder.tiers
  expect(new Set(followed.map(({ tier }) => tier))).toEqual(new Set([removed!.topic]))
  for (const { id, atMs } of triedAgain)
    expect(atMs).toBeGreaterThanOrEqual(failed.find(one => one.id === id && one.attempt === 2)!.atMs + 14_000)
  expect(await records(before.ladder.dlq)).toEqual([])
  await Promise.all(next.map(one => one.stop()))
}, 90_000)
