/**
 * `order: 'none'`, which is what a worker has by default: a message that waits for a retry keeps nobody waiting, not even the
 * later messages of its own entity.
 */
import { consumer, on, worker } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { newJob, stepsOn } from './messages.ts'

const retry = { tiers: ['300ms'] } as const
const count = 5

/** The first one succeeds at its second try, once all that come after it have been handled. */
function passing(handled: number[]) {
  return async ({ n }: { n: number }, { attempt }: { attempt: number }) => {
    if (n === 1 && attempt === 1) throw new Error('not yet')
    if (n === 1) await until(() => handled.length === count - 1, { withinMs: patienceMs, what: 'those that come after it' })
    handled.push(n)
  }
}

test('a consumer without an order lets the followers pass', async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const { opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const unordered = consumer(unique('unordered'), [on(opened, passing(handled))], { order: 'none', retry })
  await prepare([unordered])
  const followed = heard('message.followed')
  for (let n = 1; n <= count; n++) await client.publisher(opened).publish({ id: 'a', n })
  await run([unordered])
  await drained(unordered)
  expect(handled).toEqual([2, 3, 4, 5, 1])
  expect(followed).toEqual([])
  expect(await records(unordered.ladder.dlq)).toEqual([])
})

test('a worker does so by default', async () => {
  const { client, prepare, run, drained, records } = await openScenario()
  const work = newJob()
  const handled: number[] = []
  const working = worker(unique('working'), work, passing(handled), { retry })
  await prepare([working])
  for (let n = 1; n <= count; n++) await client.scheduler(work).schedule({ id: 'a', n })
  await run([working])
  await drained(working)
  expect(handled).toEqual([2, 3, 4, 5, 1])
  expect(await records(working.ladder.dlq)).toEqual([])
})
