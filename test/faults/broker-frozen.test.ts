/**
 * T4: the only broker stands still (SIGSTOP) for longer than a session lasts, and goes on. Connections stay open and nothing answers.
 * Nothing is lost, a publish is answered or refused, no process ends, and soon after everything flows again.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { whateverDies } from './check/verdict.ts'
import { startOwnKafka } from './own-kafka.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'
import { allWorkAgain } from './work-again.ts'

test('the broker stands still, and goes on', async () => {
  const [broker] = await startOwnKafka()
  const { fleet, publishing, verdict, journal } = await openStage('broker-frozen', { brokers: [broker!.address] })
  const first = await Promise.all([1, 2].map(() => fleet.start()))
  await Promise.all(first.map(worker => fleet.joined(worker)))
  const load = publishing({ entities: entities('entity', 200), perSecond: 100 })

  const recoveries: number[] = []
  for (let round = 1; round <= size(1, 3); round++) {
    const ended = journal.ended()
    await until(() => journal.ended() > ended + 150, { withinMs: 60_000, what: 'work to be done' })
    broker!.freeze()
    const thawAt = performance.now() + size(12_000, 30_000)
    await until(() => performance.now() >= thawAt, { withinMs: 60_000, what: 'the end of the stand-still' })
    const [acked, before] = [load.acked.length, journal.lines().length]
    broker!.thaw()
    await allWorkAgain({ fleet, journal }, load, { acked, lines: before })
    recoveries.push(Math.round(performance.now() - thawAt))
  }
  await load.stop()
  const found = await verdict(load)
  const exits = await fleet.endAll()
  console.log(`broker-frozen: working again ${recoveries.join(', ')} ms after it went on`)

  expect(found).toMatchObject(whateverDies)
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(Math.max(...recoveries)).toBeLessThan(15_000)
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})
