/**
 * Processes of one group share its work. Two join while the first is at work: the partitions are dealt anew, what runs is
 * finished first, and no message is handled twice or by nobody.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startLoad } from './load.ts'
import { stepsOn } from './messages.ts'

test('three processes share the work of a group, each message handled once', async () => {
  const { client, prepare, run, drained } = await openScenario()
  const { opened } = stepsOn({ partitions: 6 })
  const group = unique('shared')
  const started: string[] = []
  const finishedBy = new Map<string, number>()
  const shareOf = (process: string) =>
    consumer(group, [
      on(opened, async ({ id, n }) => {
        started.push(`${id} ${n}`)
        // Some take long, so that something runs whenever a process joins.
        const endsAt = performance.now() + (n % 10 === 0 ? 300 : n % 7)
        await until(() => performance.now() >= endsAt, { withinMs: patienceMs, what: 'the work to be done' })
        finishedBy.set(process, (finishedBy.get(process) ?? 0) + 1)
      }),
    ])
  const processors = ['first', 'second', 'third'].map(shareOf)
  await prepare([processors[0]!])

  const load = startLoad(client.publisher(opened).publish, () => started.length)
  for (const [i, processor] of processors.entries()) {
    const finished = finishedBy.size
    await run([processor])
    await until(() => finishedBy.size > finished, { withinMs: patienceMs, what: `process ${i + 1} to finish a message` })
  }
  const published = await load.stop()
  await drained(processors[0]!)

  expect(started.sort()).toEqual(published.sort())
  expect([...finishedBy.values()].reduce((sum, count) => sum + count)).toBe(published.length)
})
