/**
 * A copy lies in a tier, due, while smaller numbers of its entity lie at the source still unread, behind much else: a process was
 * killed before it could commit. A fresh process does not run the copy before it has read the source so far, and its original
 * not at all.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { type Copy, originsOf, putCopies } from './copies.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

const others = Array.from({ length: 50 }, (_, i) => `other-${i}`)
const own = [1, 2, 3, 4, 5]

test('a copy waits for what its source still has before it', async () => {
  const scenario = await openScenario()
  const { opened, steps } = stepsOn({ partitions: 1 })
  const handled: string[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ id, n }, { attempt }) => void handled.push(`${id} ${n} #${attempt}`))])
  await scenario.prepare([reader])
  const { publish } = scenario.client.publisher(opened)
  await Promise.all(stepsOf(others, 200).map(step => publish(step)))
  for (const n of own) await publish({ id: 'a', n })
  const origins = (await originsOf(scenario, steps.name)).slice(-own.length)
  const copies = [3, 5].map((n): Copy => ({ payload: { id: 'a', n }, origin: origins[n - 1]!, dueAtMs: Date.now() }))
  await putCopies(scenario, reader, { topic: reader.ladder.tiers[0]!.topic, definition: opened }, copies)
  await scenario.run([reader])
  await scenario.drained(reader)
  expect(handled.filter(step => step.startsWith('a '))).toEqual(['a 1 #1', 'a 2 #1', 'a 3 #2', 'a 4 #1', 'a 5 #2'])
  expect(handled).toHaveLength(others.length * 200 + own.length)
})
