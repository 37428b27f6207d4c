/**
 * T4: the only broker is SIGKILLed and started again on its data, while messages are published and handled. What was acknowledged
 * is handled, in order, and 15 s after the broker is back everything flows again, without anybody restarting a process.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { whateverDies } from './check/verdict.ts'
import { startOwnKafka } from './own-kafka.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'
import { allWorkAgain } from './work-again.ts'

test('the broker is killed and comes back', async () => {
  const [broker] = await startOwnKafka()
  const { fleet, publishing, verdict, journal } = await openStage('broker-killed', { brokers: [broker!.address] })
  const first = await Promise.all([1, 2].map(() => fleet.start()))
  await Promise.all(first.map(worker => fleet.joined(worker)))
  const load = publishing({ entities: entities('entity', 200), perSecond: 100 })

  const recoveries: number[] = []
  for (let round = 1; round <= size(2, 5); round++) {
    const ended = journal.ended()
    await until(() => journal.ended() > ended + 150, { withinMs: 60_000, what: 'work to be done' })
    await broker!.kill()
    const atKill = load.acked.length
    await broker!.start()
    const readyAt = performance.now()
    const before = journal.lines().length
    await allWorkAgain({ fleet, journal }, load, { acked: atKill, lines: before })
    recoveries.push(Math.round(performance.now() - readyAt))
  }
  await load.stop()
  const found = await verdict(load)
  const exits = await fleet.endAll()
  console.log(`broker-killed: working again ${recoveries.join(', ')} ms after it was ready`)

  expect(found).toMatchObject(whateverDies)
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(Math.max(...recoveries)).toBeLessThan(15_000)
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})
