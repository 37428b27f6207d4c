/**
 * T1: a rolling deploy, round after round. One process of three is told to stop, another one takes its place, and messages keep
 * coming, some of which fail once or always. Nothing is lost, nothing runs twice, and each stop leaves in order.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { nothingDied } from './check/verdict.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'

test('SIGTERM, round after round', async () => {
  const { fleet, dice, publishing, verdict, journal } = await openStage('sigterm')
  const first = await Promise.all([1, 2, 3].map(() => fleet.start()))
  await Promise.all(first.map(worker => fleet.joined(worker)))
  const keys = [...entities('entity', size(200, 480)), ...entities('flaky', 15), ...entities('doomed', 5)]
  const load = publishing({ entities: keys, perSecond: size(150, 600) })

  const exits = []
  for (let round = 1; round <= size(4, 10); round++) {
    const before = journal.ended()
    const begun = performance.now()
    await until(() => journal.ended() > before + 200 && performance.now() - begun > size(1_000, 3_000), {
      withinMs: 60_000,
      what: 'work to be done',
    })
    const [, exit] = await Promise.all([fleet.start(), fleet.end(dice.pick(fleet.working))])
    exits.push(exit)
  }
  await until(() => load.acked.length >= size(2_000, 20_000), { withinMs: 120_000, what: 'all to be published' })
  await load.stop()
  const found = await verdict(load)
  exits.push(...(await fleet.endAll()))

  expect(found).toMatchObject({ ...nothingDied, kills: 0 })
  expect(found.deadLettered).toBeGreaterThan(0)
  expect(load.refused).toEqual([])
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})
