/**
 * T3: up to three processes that join and leave all the time, one of them every 2 to 3 seconds, on a backlog and with messages
 * coming. Nothing is lost, nothing runs twice, no entity is in two processes at once, order holds, and work never stands still.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import type { Line } from './check/events.ts'
import { nothingDied } from './check/verdict.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'

test('three processes that join and leave every 2 to 3 seconds, under load', async () => {
  const { fleet, dice, publishing, verdict, journal } = await openStage('storm')
  const keys = entities('entity', 300)
  const backlog = publishing({ entities: entities('early', 100), perSecond: 5_000, count: size(2_000, 5_000) })
  await backlog.finished
  await fleet.joined(await fleet.start())
  const load = publishing({ entities: keys, perSecond: 100 })

  const begun = performance.now()
  const coming: Promise<unknown>[] = []
  let starting = 0
  const leaving: Promise<unknown>[] = []
  for (let change = 1; change <= size(10, 30); change++) {
    const due = begun + change * 2_000 + dice.below(1_000)
    await until(() => performance.now() >= due, { withinMs: 10_000, what: 'the next change' })
    const there = fleet.working.length + starting
    if (fleet.working.length <= 1 ? there < 3 : there < 3 && dice.below(2) === 0) {
      starting++
      coming.push(fleet.start().finally(() => starting--))
    } else if (fleet.working.length <= 1) continue
    else leaving.push(fleet.end(dice.pick(fleet.working)))
  }
  await Promise.all(coming)
  await load.stop()
  const acked = [...backlog.acked, ...load.acked]
  const found = await verdict({ acked, refused: [...backlog.refused, ...load.refused] })
  const exits = await Promise.all([...leaving, ...[...fleet.working].map(worker => fleet.end(worker))])
  const stillMs = longestStill(journal.lines())
  console.log(`storm: ${exits.length} processes, ${found.joins} assignments, longest stand-still ${stillMs} ms`)

  expect(found).toMatchObject({ ...nothingDied, kills: 0 })
  // A busy machine starts processes slowly: some are told to leave before they have joined.
  expect(found.joins).toBeGreaterThanOrEqual(size(5, 15))
  expect(stillMs).toBeLessThan(15_000)
  expect(load.refused).toEqual([])
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})

/** The longest time between one success and the next. */
function longestStill(lines: readonly Line[]): number {
  const times = lines.filter(({ what }) => what === 'effect').map(({ at }) => at)
  return Math.max(...times.slice(1).map((at, i) => at - times[i]!))
}
