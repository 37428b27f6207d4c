/**
 * SIGKILL in mid-work: the others take over when the session of the dead process is over. Nothing is lost. Doubled is at most
 * what the dead process had begun and not committed, and the first handlings of an entity stay in order.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { journalling } from './child/journalling.ts'
import { killable, openJournal, startChild } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startLoad } from './load.ts'
import { stepsOf } from './messages.ts'

test('SIGKILL loses nothing and doubles only what was under way', async () => {
  const { client, prepare, drained } = await openScenario()
  const journal = openJournal()
  const { consumer, opened } = journalling(journal.settings)
  await prepare([consumer])
  const { publish } = client.publisher(opened)
  const children = await Promise.all([1, 2, 3].map(() => startChild(killable, journal.settings)))
  const early = stepsOf(
    Array.from({ length: 60 }, (_, i) => `early-${i}`),
    5,
  )
  await Promise.all(early.map(step => publish(step)))
  await drained(consumer)

  const load = startLoad(publish, () => journal.started().length - early.length)
  const finishedBy = (pid: number) => journal.finished().filter(entry => entry.pid === pid).length
  const before = children.map(({ pid }) => finishedBy(pid))
  await until(() => children.every(({ pid }, i) => finishedBy(pid) > before[i]! + 50), {
    withinMs: patienceMs,
    what: 'all three processes to be at work',
  })
  const victim = children[0]!
  const underWay = () => journal.started().filter(({ pid }) => pid === victim.pid).length - finishedBy(victim.pid)
  await until(() => underWay() > 0, { withinMs: patienceMs, what: 'something to run in the process that is killed' })
  victim.kill('SIGKILL')
  await victim.exited
  const killedAt = journal.started().length
  await until(() => journal.started().length > killedAt + 200, { withinMs: patienceMs, what: 'the others to go on' })
  const published = [...early.map(({ id, n }) => `${id} ${n}`), ...(await load.stop())]
  await drained(consumer)

  const firsts = new Map<string, number>()
  const doubles: string[] = []
  for (const { step, pid } of journal.started()) {
    if (!firsts.has(step)) firsts.set(step, pid)
    else doubles.push(step)
  }
  expect(doubles.filter(step => firsts.get(step) !== victim.pid || step.startsWith('early'))).toEqual([])
  expect(doubles.length).toBeGreaterThan(0)
  const done = new Set(journal.finished().map(({ step }) => step))
  expect([...done].sort()).toEqual(published.sort())
  const numbersOf = Map.groupBy(
    [...done].map(step => step.split(' ')),
    ([id]) => id!,
  )
  for (const steps of numbersOf.values()) expect(steps.map(([, n]) => Number(n))).toEqual(steps.map((_, i) => i + 1))
})
