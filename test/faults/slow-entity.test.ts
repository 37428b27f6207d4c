/**
 * One entity among 5,000 is slow, its messages lie between the others'. While it is in its handler all others are handled, those
 * of its own partition and those behind its later messages too. What it costs them is printed: the same messages are handled
 * with it fast and with it at 1 s a message, in pairs. A busy machine changes that figure, so nothing is expected of it here.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { openScenario, patienceMs } from '../scenarios/harness.ts'
import { stepsOf, stepsOn } from '../scenarios/messages.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { size } from './sizes.ts'
import { entities } from './stage.ts'

const slow = 'slow'
const fastMs = 10
const each = size(3, 20)
const pairs = size(3, 7)
/** A slow message after so many others. */
const apart = 500

async function openCrowd() {
  const scenario = await openScenario()
  const { opened } = stepsOn()
  await scenario.prepare([], [opened])
  const others = stepsOf(entities('entity', 5_000), each)
  const slowOnes = others.length / apart
  const all = others.flatMap((step, i) => (i % apart === 0 ? [{ id: slow, n: i / apart + 1 }, step] : [step]))
  const { publish } = scenario.client.publisher(opened)
  const receipts = await Promise.all(all.map(step => publish(step)))
  const { partition } = receipts[0]!

  /** A new group handles it all from the start, the slow entity as told. */
  const join = async (slowWork: () => Promise<unknown>) => {
    const done = { others: 0, nextToSlow: 0, slow: [] as number[], slowBegun: 0, firstAt: 0, lastAt: 0 }
    const handler = async ({ id, n }: { id: string; n: number }, { origin }: { origin: { partition: number } }) => {
      done.firstAt ||= performance.now()
      if (id === slow) {
        done.slowBegun++
        await slowWork()
        done.slow.push(n)
        return
      }
      await work(fastMs)
      done.others++
      if (origin.partition === partition) done.nextToSlow++
      done.lastAt = performance.now()
    }
    const processor = consumer(unique('crowd'), [on(opened, handler)], { retry: { tiers: [] } })
    await scenario.prepare([processor])
    const { stop } = await scenario.run([processor])
    const othersDone = () => until(() => done.others >= others.length, { withinMs: patienceMs, what: 'all others to be handled' })
    return { done, stop, othersDone, drained: () => scenario.drained(processor) }
  }
  /** How long all others take from the first message on. */
  const time = async (slowMs: number) => {
    const { done, stop, othersDone } = await join(() => work(slowMs))
    await othersDone()
    const begun = done.slowBegun
    await stop()
    return { ms: done.lastAt - done.firstAt, begun }
  }
  return { join, time, others: others.length, slowOnes }
}

function work(ms: number): Promise<true> {
  const endsAt = performance.now() + ms
  return until(() => performance.now() >= endsAt, { withinMs: patienceMs, what: 'the work to be done' })
}

test('a slow entity among 5,000 holds none of the others', async () => {
  const crowd = await openCrowd()
  let held = true
  const { done, stop, othersDone, drained } = await crowd.join(() =>
    until(() => !held, { withinMs: patienceMs, what: 'the others' }),
  )
  await othersDone()
  const meanwhile = { begun: done.slowBegun, handled: done.slow.length, nextToIt: done.nextToSlow }
  held = false
  await drained()
  await stop()

  const ratios: number[] = []
  for (let pair = 1; pair <= pairs; pair++) {
    const times = new Map<number, Awaited<ReturnType<typeof crowd.time>>>()
    // In turn, so that neither is always the one that a warmer machine runs.
    for (const slowMs of pair % 2 === 0 ? [fastMs, 1_000] : [1_000, fastMs]) times.set(slowMs, await crowd.time(slowMs))
    const [beside, alone] = [times.get(1_000)!, times.get(fastMs)!]
    ratios.push(beside.ms / alone.ms)
    const [ms, msAlone] = [beside.ms, alone.ms].map(Math.round)
    const begun = `${beside.begun} of its ${crowd.slowOnes} begun`
    console.log(`slow-entity: ${crowd.others} others in ${ms} ms beside the slow one (${begun}), ${msAlone} ms with it fast`)
  }
  const percent = (median(ratios) - 1) * 100
  console.log(`slow-entity: one entity at 1 s a message delays the others by ${percent.toFixed(1)} %, median of ${pairs} pairs`)

  expect(meanwhile).toMatchObject({ begun: 1, handled: 0 })
  expect(meanwhile.nextToIt).toBeGreaterThan(crowd.others / 10)
  expect(done.slow).toEqual(Array.from({ length: crowd.slowOnes }, (_, i) => i + 1))
})

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
