/**
 * The messages of an entity are handled one after another, in the order in which they were published, whatever their type.
 * Other entities of the same partition do not wait for it.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

test('two event types of one entity keep their order while other entities overtake it', async () => {
  const { client, prepare, run, drained } = await openScenario()
  const { opened, closed } = stepsOn({ partitions: 1 })
  const handled: string[] = []
  let running = 0
  let othersMostAtOnce = 0
  const runningOf = new Map<string, number>()
  const mostAtOnceOf = new Map<string, number>()
  const handle = async (type: string, { id, n }: { id: string; n: number }) => {
    const ofEntity = (runningOf.get(id) ?? 0) + 1
    runningOf.set(id, ofEntity)
    mostAtOnceOf.set(id, Math.max(ofEntity, mostAtOnceOf.get(id) ?? 0))
    othersMostAtOnce = Math.max(othersMostAtOnce, ++running)
    // The slow entity's first message ends when everybody else has finished: were they to wait for it, nobody would.
    if (id === 'slow' && n === 1)
      await until(() => handled.length >= 4 * 20, { withinMs: patienceMs, what: 'the other entities to finish' })
    else await until(() => true, { withinMs: 1, what: 'a turn' })
    handled.push(`${id} ${n} ${type}`)
    running--
    runningOf.set(id, ofEntity - 1)
  }
  const reader = consumer(unique('order'), [
    on(opened, step => handle('opened', step)),
    on(closed, step => handle('closed', step)),
  ])
  await prepare([reader])

  const entities = ['slow', 'a', 'b', 'c', 'd']
  const publishers = [client.publisher(opened), client.publisher(closed)] as const
  // Not awaited one by one: the order of the calls is the order of publishing, across the types too.
  const calls = Array.from({ length: 20 }, (_, i) => entities.map(id => publishers[(i + 1) % 2]!.publish({ id, n: i + 1 })))
  await Promise.all(calls.flat())
  await run([reader])
  await drained(reader)

  const published = (id: string) => Array.from({ length: 20 }, (_, i) => `${id} ${i + 1} ${i % 2 === 0 ? 'closed' : 'opened'}`)
  for (const id of entities) expect(handled.filter(step => step.startsWith(`${id} `))).toEqual(published(id))
  expect([...mostAtOnceOf.values()]).toEqual([1, 1, 1, 1, 1])
  expect(othersMostAtOnce).toBe(5)
})
