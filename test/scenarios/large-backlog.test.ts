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
/** 1,000 of each entity in the tier, and 15 behind that at the source. */
const steps = stepsOf(entities, 1_015)
const ofFew: Backlog = { inTier: steps.slice(0, entities.length * 1_000), atSource: steps.slice(entities.length * 1_000) }
/** From when on nobody is early any more. A fresh process has begun long before. */
const dueInMs = 8_000

/** Who has copies in the tier, in the order of the source, and what lies behind them at the source. */
interface Backlog {
  readonly inTier: readonly Step[]
  readonly atSource: readonly Step[]
}

interface Step {
  readonly id: string
  readonly n: number
}

async function openBacklog({ inTier, atSource }: Backlog) {
  const scenario = await openScenario()
  const { opened, steps: source } = stepsOn({ partitions: 1 })
  const handled: { step: string; atMs: number }[] = []
  const backlog = consumer(
    unique('backlog'),
    [on(opened, ({ id, n }) => void handled.push({ step: `${id} ${n}`, atMs: Date.now() }))],
    { retry: { tiers: ['1s', '10s'] } },
  )
  await scenario.prepare([backlog])
  const payloads = [...inTier, ...atSource]
  await Promise.all(payloads.map(step => scenario.client.publisher(opened).publish(step)))
  const origins = await originsOf(scenario, source.name)
  const waiting = origins.slice(0, inTier.length)
  await commitAt(scenario, backlog.name, { topic: source.name, partition: 0, offset: BigInt(waiting.length) })
  const copies = waiting.map((origin, i): Copy => ({ payload: payloads[i]!, origin }))
  const tier = { topic: backlog.ladder.tiers[1]!.topic, definition: opened }
  const inOrder = () => {
    expect(handled).toHaveLength(payloads.length)
    const ofEntity = Map.groupBy(handled, ({ step }) => step.split(' ')[0]!)
    for (const [id, published] of Map.groupBy(payloads, step => step.id))
      expect(ofEntity.get(id)!.map(({ step }) => step)).toEqual(published.map(({ n }) => `${id} ${n}`))
  }
  return { scenario, backlog, handled, copies, put: (all: readonly Copy[]) => putCopies(scenario, backlog, tier, all), inOrder }
}

test('a backlog beyond every cap starts, and waits until it is due', async () => {
  const { scenario, backlog, handled, copies, put, inOrder } = await openBacklog(ofFew)
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
  const { scenario, backlog, handled, copies, put, inOrder } = await openBacklog(ofFew)
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

test('it starts also when thousands wait, each for one that lies further behind than a commit can tell of', async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => `entity-${i}`)
  const heads = many.map(id => ({ id, n: 1 }))
  // Each is followed by others that nothing is wrong with.
  const rest = many.flatMap((id, i) => [{ id, n: 2 }, ...Array.from({ length: 11 }, (_, k) => ({ id: `good-${i}-${k}`, n: 1 }))])
  const { scenario, backlog, copies, put, inOrder } = await openBacklog({ inTier: [...heads, ...rest], atSource: [] })
  const behind = [...copies.slice(heads.length), ...copies.slice(0, heads.length)]
  await put(behind.map(copy => ({ ...copy, dueAtMs: Date.now(), attempt: 0, hop: 2 })))
  const running = await scenario.run([backlog])
  await scenario.drained(backlog)
  await running.stop()
  inOrder()
})
