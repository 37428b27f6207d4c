/**
 * A source topic is deleted and created again while records of the old one wait in a tier. Their numbers mean nothing in the new one,
 * which has lower ones: all are handled, old and new, each kind in its order, and nothing waits for what will never come.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { type Copy, commitAt, originsOf, putCopies } from './copies.ts'
import { makeAnew } from './deleting.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

const patience = { withinMs: patienceMs }
const entities = ['a', 'b', 'c']
const old = stepsOf(entities, 10)
const fresh = stepsOf(entities, 3).map(({ id, n }) => ({ id, n: n + 100 }))

async function openOld() {
  const scenario = await openScenario()
  const { client } = scenario
  const { opened, steps } = stepsOn({ partitions: 1 })
  const handled: string[] = []
  const reader = consumer(
    unique('anew'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        // Old and new ones wait behind each other.
        if (attempt === 1 && n % 10 === 1) throw new Error('not yet')
        handled.push(`${id} ${n}`)
      }),
    ],
    { retry: { tiers: ['1s', '3s'] } },
  )
  await scenario.prepare([reader])
  const { publish } = client.publisher(opened)
  await Promise.all(old.map(step => publish(step)))
  const origins = await originsOf(scenario, steps.name)
  await commitAt(scenario, reader.name, { topic: steps.name, partition: 0, offset: BigInt(old.length) })
  const wait = async (dueAtMs: number) => {
    const tier = { topic: reader.ladder.tiers[1]!.topic, definition: opened }
    const copies = origins.map((origin, i): Copy => ({ payload: old[i]!, origin, dueAtMs, attempt: i < entities.length ? 1 : 0 }))
    await putCopies(scenario, reader, tier, copies)
  }
  const inOrder = () => {
    const steps = [...old, ...fresh]
    expect([...handled].sort()).toEqual(steps.map(({ id, n }) => `${id} ${n}`).sort())
    for (const kind of [old, fresh])
      for (const id of entities) {
        const published = kind.filter(step => step.id === id).map(({ n }) => `${id} ${n}`)
        expect(handled.filter(step => published.includes(step))).toEqual(published)
      }
  }
  return {
    ...scenario,
    topic: steps.name,
    reader,
    handled,
    wait,
    inOrder,
    publishFresh: () => Promise.all(fresh.map(step => publish(step))),
  }
}

test('while nobody runs', async () => {
  const { admin, topic, run, drained, reader, wait, publishFresh, inOrder } = await openOld()
  await wait(Date.now() + 4_000)
  await makeAnew(admin, topic)
  await publishFresh()
  await run([reader])
  await drained(reader)
  inOrder()
})

test('under a running process, which holds the old ones', { timeout: 120_000 }, async () => {
  const { admin, topic, run, drained, heard, reader, handled, wait, publishFresh, inOrder } = await openOld()
  const resets = heard('offset.reset')
  await wait(Date.now() + 15_000)
  const running = await run([reader])
  const held = () =>
    [...running.progress().values()].flatMap(one => one?.partitions ?? []).reduce((sum, { waiting }) => sum + waiting, 0)
  await until(() => held() === old.length, { ...patience, what: 'the old ones to be fetched' })
  await makeAnew(admin, topic)
  await publishFresh()
  await until(() => resets.length > 0, { withinMs: 90_000, what: 'the process to notice' })
  await drained(reader)
  inOrder()
  expect(handled.length).toBe(old.length + fresh.length)
})
