/**
 * T2: one process of three is killed, round after round, and another one takes its place. Nothing is lost, order holds, and what
 * runs twice is what the dead ones had running, or finished since their last commit.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
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
    // One that is at work: a process that waits to join has nothing to lose.
    const busy = () => {
      const last = journal.lines().findLast(({ what }) => what === 'received')
      return fleet.working.find(({ who }) => who === last?.who)
    }
    const victim = dice.below(2) === 0 ? busy() : undefined
    await Promise.all([fleet.kill(victim ?? dice.pick(fleet.working)), fleet.start()])
  }
  await until(() => load.acked.length >= size(2_000, 20_000), { withinMs: 120_000, what: 'all to be published' })
  await load.stop()
  const found = await verdict(load)

  expect(found).toMatchObject({ ...whateverDies, overlaps: 0, kills: size(3, 10) })
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(load.refused).toEqual([])
})
