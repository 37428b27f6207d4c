/**
 * Redriven letters keep an order among those of one run. They come late in any case, so nothing that was published since waits for
 * them, nor they for it, nor the letters of one run for those of another.
 */
import { consumer, on, RetryLater } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { type Copy, commitAt, originsOf, putCopies } from './copies.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

/** All of one entity. Numbers below 10 are letters of one run, from 10 on of another, from 100 on they lie at the source. */
const runs = { 'run-1': [1, 2, 3], 'run-2': [10, 11, 12] }
const [letters, live] = [
  [...runs['run-1'], ...runs['run-2']],
  [100, 101, 102],
]

/** `waitsFor`: what has to be handled before these numbers, which ask for a later time until then, at least once. */
async function openRedriven(waitsFor: Readonly<Record<number, readonly number[]>>) {
  const scenario = await openScenario()
  const { opened, steps } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const asked = new Set<number>()
  const reader = consumer(
    unique('redriven'),
    [
      on(opened, ({ n }) => {
        const others = waitsFor[n]
        if (others && (!asked.has(n) || others.some(other => !handled.includes(other)))) {
          asked.add(n)
          throw new RetryLater('200ms')
        }
        handled.push(n)
      }),
    ],
    { retry: { tiers: ['200ms'] } },
  )
  await scenario.prepare([reader])
  const publish = (n: number) => scenario.client.publisher(opened).publish({ id: 'a', n })
  for (const n of letters) await publish(n)
  const origins = await originsOf(scenario, steps.name)
  await commitAt(scenario, reader.name, { topic: steps.name, partition: 0, offset: BigInt(letters.length) })
  const copies = Object.entries(runs).flatMap(([redriveId, numbers]) =>
    numbers.map(
      (n): Copy => ({
        payload: { id: 'a', n },
        origin: origins[letters.indexOf(n)]!,
        ...{ redriveId, redriveCount: 1, attempt: 0, hop: 3 },
      }),
    ),
  )
  await putCopies(scenario, reader, { topic: reader.ladder.immediate.topic, definition: opened }, copies)
  for (const n of live) await publish(n)
  await scenario.run([reader])
  await scenario.drained(reader)
  for (const kind of [...Object.values(runs), live]) expect(handled.filter(n => kind.includes(n))).toEqual(kind)
  expect(handled).toHaveLength(letters.length + live.length)
  expect([...asked]).toEqual(Object.keys(waitsFor).map(Number))
  return handled
}

test('a letter that waits keeps only those of its run waiting', async () => {
  const handled = await openRedriven({ 1: [...runs['run-2'], ...live] })
  expect(handled.slice(-3)).toEqual(runs['run-1'])
})

test('a live message that waits keeps no letter waiting', async () => {
  const handled = await openRedriven({ 100: letters })
  expect(handled.slice(-3)).toEqual(live)
})
