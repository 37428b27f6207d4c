/**
 * T2: one process of three is killed, round after round, and another one takes its place. Nothing is lost, order holds, and what
 * runs twice is what the dead ones had running, or finished since their last commit.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import type { Line } from './check/events.ts'
import { whateverDies } from './check/verdict.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'

test('SIGKILL, round after round', async () => {
  const { fleet, dice, publishing, verdict, journal } = await openStage('sigkill')
  const first = await Promise.all([1, 2, 3].map(() => fleet.start()))
  await Promise.all(first.map(worker => fleet.joined(worker)))
  const keys = [...entities('entity', size(200, 480)), ...entities('flaky', 15), ...entities('doomed', 5)]
  const load = publishing({ entities: keys, perSecond: size(150, 600) })

  for (let round = 1; round <= size(3, 10); round++) {
    const before = journal.ended()
    await until(() => journal.ended() > before + 300, { withinMs: 60_000, what: 'work to be done' })
    // Every other time one whose commit has holes: what is finished above them must not run again. Else anyone, at work or not.
    let victim = round % 2 === 0 ? dice.pick(fleet.working) : undefined
    const found = () => {
      victim ??= fleet.working.find(({ who }) => hasHoles(lastWord(journal.lines(), who)))
      return victim !== undefined
    }
    await until(found, { withinMs: 60_000, what: 'a commit with something finished above its prefix' })
    await Promise.all([fleet.kill(victim!), fleet.start()])
  }
  await until(() => load.acked.length >= size(2_000, 20_000), { withinMs: 120_000, what: 'all to be published' })
  await load.stop()
  const found = await verdict(load)

  expect(found).toMatchObject({ ...whateverDies, overlaps: 0, kills: size(3, 10) })
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(load.refused).toEqual([])
})

/** What this process has last told of its assignment or its commits. */
function lastWord(lines: readonly Line[], who: string): Line | undefined {
  return lines.findLast(line => line.who === who && (line.what === 'joined' || line.what === 'committed'))
}

function hasHoles(line: Line | undefined): boolean {
  return line?.what === 'committed' && line.offsets.some(({ above }) => above.length > 0)
}
