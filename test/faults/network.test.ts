/**
 * T6: the network between the processes and the broker is slow (50 to 200 ms each way, 3 Mbit/s for all), then cuts every connection,
 * at rest and in answers, then goes silent: connections stay open and nothing passes. Nothing is lost, order holds, and work goes on
 * by itself each time.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import type { Line } from './check/events.ts'
import { whateverDies } from './check/verdict.ts'
import { startOwnKafka } from './own-kafka.ts'
import { startProxy } from './proxy.ts'
import { size } from './sizes.ts'
import { entities, openStage, type Stage } from './stage.ts'
import { fineWeather } from './wire.ts'

const goOnWithinMs = 60_000
const bulkCount = size(600, 2_000)

async function behindProxy(story: string) {
  const proxy = await startProxy()
  const [broker] = await startOwnKafka({
    advertised: port => {
      proxy.to(port)
      return proxy.port
    },
  })
  const stage = await openStage(story, { brokers: [broker!.address] })
  const first = await Promise.all([1, 2].map(() => stage.fleet.start()))
  await Promise.all(first.map(worker => stage.fleet.joined(worker)))
  return { proxy, stage, load: stage.publishing({ entities: entities('entity', 200), perSecond: 100 }) }
}

/** How long until both ends work again: so much more is acknowledged and done. */
async function workGoesOn({ journal }: Stage, acked: () => number): Promise<number> {
  const begun = performance.now()
  const [ackedBefore, endedBefore] = [acked(), journal.ended()]
  await until(() => acked() > ackedBefore + 100 && journal.ended() > endedBefore + 100, {
    withinMs: goOnWithinMs,
    what: 'work to go on',
  })
  return Math.round(performance.now() - begun)
}

test('a slow network and one that cuts connections', async () => {
  const { proxy, stage, load } = await behindProxy('network-cut')
  const acked = () => load.acked.length
  await workGoesOn(stage, acked)
  const joined = () => stage.journal.lines().filter(({ what }) => what === 'joined').length
  const joinedBefore = joined()
  proxy.weather({ latencyMs: () => 50 + stage.dice.below(151), bytesPerSecond: 3_000_000 / 8 })
  const slowMs = await workGoesOn(stage, acked)
  // More at once than the line carries in the time that a session lasts.
  const bulk = stage.publishing({ entities: entities('bulk', 50), perSecond: 5_000, count: bulkCount, noteBytes: 4_096 })
  const bulkAt = performance.now()
  await bulk.finished
  const isBulk = (line: Line) => line.what === 'effect' && line.key.startsWith('bulk')
  await until(() => stage.journal.lines().filter(isBulk).length >= bulk.acked.length, { withinMs: 60_000, what: 'the bulk' })
  const bulkMs = Math.round(performance.now() - bulkAt)
  const joinedWhileSlow = joined() - joinedBefore
  proxy.weather(fineWeather)
  const cuts: number[] = []
  for (let round = 1; round <= size(3, 10); round++) {
    expect(round % 2 === 0 ? proxy.cutInAnswers() : proxy.cut()).toBeGreaterThan(3)
    cuts.push(await workGoesOn(stage, acked))
  }
  await load.stop()
  const found = await stage.verdict({ acked: [...load.acked, ...bulk.acked], refused: [...load.refused, ...bulk.refused] })
  const exits = await stage.fleet.endAll()
  console.log(
    `network-cut: slow, ${slowMs} ms for 100 messages, ${bulkMs} ms for ${bulkCount} of 4 KiB; ${cuts.join(', ')} ms after each cut`,
  )

  expect(found).toMatchObject({ ...whateverDies, overlaps: 0 })
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  // Slow is not dead: nobody was thrown out of the group for it, nothing refused. And it was slow: 3 Mbit/s are 366 KiB a second.
  expect(joinedWhileSlow).toBe(0)
  expect(bulk.refused).toEqual([])
  expect(bulkMs).toBeGreaterThan((bulkCount * 4 * 1_000) / 366)
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})

test('connections that are open and pass nothing', async () => {
  const { proxy, stage, load } = await behindProxy('network-silent')
  const acked = () => load.acked.length
  await workGoesOn(stage, acked)
  const silences: number[] = []
  for (let round = 1; round <= size(1, 3); round++) {
    expect(proxy.silence()).toBeGreaterThan(3)
    silences.push(await workGoesOn(stage, acked))
  }
  // The test's own connections, which it has not used since, have nothing to prove.
  proxy.wake()
  await load.stop()
  const found = await stage.verdict(load)
  const exits = await stage.fleet.endAll()
  console.log(`network-silent: work went on ${silences.join(', ')} ms after all connections had gone silent`)

  expect(found).toMatchObject(whateverDies)
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  expect(Math.max(...silences)).toBeLessThan(45_000)
  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })))
})
