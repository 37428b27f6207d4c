/**
 * A group with start 'latest' begins at the end, once: what was published before its first start it never sees, and what is
 * published while it is stopped it sees at its next one, on partitions of which it has never read a message too.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

test('a group that starts at the latest begins there once and keeps its position', async () => {
  const { client, prepare, run, drained } = await openScenario()
  const { opened } = stepsOn()
  const handled: number[] = []
  const late = consumer(unique('late'), [on(opened, ({ n }) => handled.push(n))], { start: 'latest' })
  await prepare([late])
  const entities = ['a', 'b', 'c', 'd', 'e', 'f']
  const publish = (n: number) => Promise.all(stepsOf(entities, 1).map(({ id }) => client.publisher(opened).publish({ id, n })))

  await publish(1)
  const first = await run([late])
  await first.stop()
  await publish(2)
  const second = await run([late])
  await drained(late)
  expect(handled).toEqual(Array(6).fill(2))

  await publish(3)
  await drained(late)
  await second.stop()
  await publish(4)
  await run([late])
  await drained(late)
  expect(handled).toEqual([2, 3, 4].flatMap(n => Array(6).fill(n)))
})
