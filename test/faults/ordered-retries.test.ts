/**
 * T11: messages of two topics that share their entities fail at random, while processes are killed, stopped and started and the
 * broker is killed once. Per entity and topic the first successes come in the order published, nothing is lost, and everything ends.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import type { Line } from './check/events.ts'
import { whateverDies } from './check/verdict.ts'
import { startOwnKafka } from './own-kafka.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'

const messages = size(5_000, 20_000)
const keys = size(200, 500)
const rounds = size(6, 14)

test.each([
  ['continue', 'unsteady'],
  ['block', 'stubborn'],
] as const)('order through retries, kills and a broker restart: %s', async (onExhausted, kind) => {
  const [broker] = await startOwnKafka()
  const story = `ordered-${onExhausted}`
  // A window so small that what waits behind a failing message does not fit into it, and moves into the tiers.
  const stage = await openStage(story, { brokers: [broker!.address], topics: 2, onExhausted, workMs: 4, windowRecords: 40 })
  const { fleet, dice, publishing, verdict, journal } = stage
  const first = await Promise.all([1, 2, 3].map(() => fleet.start()))
  await Promise.all(first.map(worker => fleet.joined(worker)))
  const pace = { entities: entities(kind, keys), perSecond: size(150, 250), count: messages / 2 }
  const loads = [publishing(pace, 0), publishing(pace, 1)]

  for (let round = 1; round <= rounds; round++) {
    const before = journal.ended()
    const share = Math.floor(messages / (rounds + 2))
    await until(() => journal.ended() > before + share || isQuiet(loads), { withinMs: 90_000, what: 'work to be done' })
    if (round === Math.ceil(rounds / 2)) {
      // One that starts while there is no broker gives up, as it should.
      await Promise.all(fleet.working.map(worker => fleet.joined(worker)))
      await broker!.kill()
      await broker!.start()
    } else if (dice.below(3) === 0) await Promise.all([fleet.end(dice.pick(fleet.working)), fleet.start()])
    else await Promise.all([fleet.kill(dice.pick(fleet.working)), fleet.start()])
  }
  await Promise.all(loads.map(load => load.finished))
  const load = { acked: loads.flatMap(({ acked }) => acked), refused: loads.flatMap(({ refused }) => refused) }
  const found = await verdict(load, 120_000)
  const counts = countsOf(journal.lines())
  console.log(`${story}: ${JSON.stringify(counts)}`)

  expect(found).toMatchObject(whateverDies)
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(counts.failed).toBeGreaterThan(messages / 20)
  expect(counts.followed).toBeGreaterThan(0)
  expect(onExhausted === 'continue' ? found.deadLettered > 0 : found.deadLettered === 0).toBe(true)
})

function isQuiet(loads: readonly { readonly acked: readonly unknown[] }[]): boolean {
  return loads.reduce((sum, { acked }) => sum + acked.length, 0) >= messages * 0.98
}

function countsOf(lines: readonly Line[]): Record<'failed' | 'retried' | 'followed', number> {
  const count = (what: Line['what']) => lines.filter(line => line.what === what).length
  return { failed: count('failed'), retried: count('retried'), followed: count('followed') }
}
