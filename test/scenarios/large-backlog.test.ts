/**
 * More records wait in one partition of a tier than a partition may have unfinished (5,000), or a process queued (10,000). A fresh
 * process indexes them all, and runs them: none before it is due, and of each entity in the order of its source, whatever order
 * they lie in.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { type Copy, commitAt, originsOf, putCopies } from './copies.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

const entities = Array.from({ length: 12 }, (_, i) => `entity-${i}`)
/** Of each entity, in the tier, and behind that at the source. */
const [inTier, atSource] = [1_000, 15]
/** From when on nobody is early any more. A fresh process has begun long before. */
const dueInMs = 8_000

async function openBacklog() {
  const scenario = await openScenario()
  const { opened, steps } = stepsOn({ partitions: 1 })
  const handled: { step: string; atMs: number }[] = []
  const backlog = consumer(
    unique('backlog'),
    [on(opened, ({ id, n }) => void handled.push({ step: `${id} ${n}`, atMs: Date.now() }))],
    { retry: { tiers: ['1s', '10s'] } },
  )
  await scenario.prepare([backlog])
  const payloads = stepsOf(entities, inTier + atSource)
  await Promise.all(payloads.map(step => scenario.client.publisher(opened).publish(step)))
  const origins = await originsOf(scenario, steps.name)
  const waiting = origins.slice(0, entities.length * inTier)
  await commitAt(scenario, backlog.name, { topic: steps.name, partition: 0, offset: BigInt(waiting.length) })
  const copies = waiting.map((origin, i): Copy => ({ payload: payloads[i]!, origin }))
  const tier = { topic: backlog.ladder.tiers[1]!.topic, definition: opened }
  const inOrder = () => {
    expect(handled).toHaveLength(payloads.length)
    const ofEntity = Map.groupBy(handled, ({ step }) => step.split(' ')[0]!)
    for (const id of entities)
      expect(ofEntity.get(id)!.map(({ step }) => step)).toEqual(
        payloads.filter(step => step.id === id).map(step => `${id} ${step.n}`),
      )
  }
  return { scenario, backlog, handled, copies, put: (all: readonly Copy[]) => putCopies(scenario, backlog, tier, all), inOrder }
}

test('a backlog beyond every cap starts, and waits until it is due', async () => {
  const { scenario, backlog, handled, copies, put, inOrder } = await openBacklog()
  const dueAtMs = Date.now() + dueInMs
  await put(copies.map(copy => ({ ...copy, dueAtMs })))
  const running = await scenario.run([backlog])
  expect(Date.now()).toBeLessThan(dueAtMs)
  await scenario.drained(backlog)
  await running.stop()
  inOrder()
  expect(handled.filter(({ atMs }) => atMs < dueAtMs)).toEqual([])
})

test('it starts also when those whom all others wait for lie behind everything else', async () => {
  const { scenario, backlog, handled, copies, put, inOrder } = await openBacklog()
  const followed = scenario.heard('message.followed')
  await put(copies.slice(entities.length).map(copy => ({ ...copy, dueAtMs: Date.now(), attempt: 0, hop: 2 })))
  // As those of blocked entities do, the heads have failed again and so are due last.
  const dueAtMs = Date.now() + dueInMs
  await put(copies.slice(0, entities.length).map(copy => ({ ...copy, dueAtMs, attempt: 3, hop: 4 })))
  const running = await scenario.run([backlog])
  expect(Date.now()).toBeLessThan(dueAtMs)
  await scenario.drained(backlog)
  await running.stop()
  inOrder()
  expect(handled.filter(({ atMs }) => atMs < dueAtMs)).toEqual([])
  // Those that did not fit moved on once, to behind their heads.
  expect(followed.length).toBeGreaterThan(0)
  expect(followed.length).toBeLessThanOrEqual(copies.length)
})
