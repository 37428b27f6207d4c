/**
 * SIGTERM in mid-work: what runs is finished, committed, and the group is left, with exit code 0. Nothing is lost or handled
 * twice, by the two processes that stay and take over either.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, spillwayRun, startChild } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startLoad } from './load.ts'

test('SIGTERM in mid-work loses and doubles nothing, in the other processes neither', async () => {
  const { client, prepare, drained } = await openScenario()
  const journal = openJournal()
  const { consumer, opened } = journalling(journal.settings)
  await prepare([consumer])
  const load = startLoad(client.publisher(opened).publish, () => journal.started().length)
  const children = await Promise.all([1, 2, 3].map(() => startChild(spillwayRun, journal.settings)))
  const countOf = (entries: readonly { pid: number }[], pid: number) => entries.filter(entry => entry.pid === pid).length
  await until(() => children.every(({ pid }) => countOf(journal.finished(), pid) > 50), {
    withinMs: patienceMs,
    what: 'all three processes to be at work',
  })

  const [leaver, ...stayers] = children
  const underWay = () => countOf(journal.started(), leaver!.pid) - countOf(journal.finished(), leaver!.pid)
  await until(() => underWay() > 0, { withinMs: patienceMs, what: 'something to run in the process that leaves' })
  leaver!.kill('SIGTERM')
  expect(await leaver!.exited).toEqual({ code: 0, signal: null })
  expect(underWay()).toBe(0)

  const before = stayers.map(({ pid }) => countOf(journal.finished(), pid))
  await until(() => stayers.every(({ pid }, i) => countOf(journal.finished(), pid) > before[i]! + 50), {
    withinMs: patienceMs,
    what: 'the others to have taken over',
  })
  const published = await load.stop()
  await drained(consumer)

  const steps = (entries: readonly { step: string }[]) => entries.map(({ step }) => step).sort()
  expect(steps(journal.started())).toEqual(published.sort())
  expect(steps(journal.finished())).toEqual(published)
  for (const stayer of stayers) stayer.kill('SIGTERM')
  expect(await Promise.all(stayers.map(({ exited }) => exited))).toEqual(Array(2).fill({ code: 0, signal: null }))
})
