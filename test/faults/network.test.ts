/**
 * T6: the network between the processes and the broker is slow, then cuts every connection, then goes silent: connections stay open
 * and nothing passes. Nothing is lost, order holds, and work goes on by itself each time.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { whateverDies } from './check/verdict.ts'
import { startOwnKafka } from './own-kafka.ts'
import { startProxy } from './proxy.ts'
import { size } from './sizes.ts'
import { entities, openStage, type Stage } from './stage.ts'

const goOnWithinMs = 60_000

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
  proxy.slow(100)
  const slowMs = await workGoesOn(stage, acked)
  const joinsWhileSlow = stage.journal.lines().filter(({ what }) => what === 'joined').length
  proxy.slow(0)
  const cuts: number[] = []
  for (let round = 1; round <= size(3, 10); round++) {
    expect(proxy.cut()).toBeGreaterThan(3)
    cuts.push(await workGoesOn(stage, acked))
  }
  await load.stop()
  const found = await stage.verdict(load)
  const exits = await stage.fleet.endAll()
  console.log(`network-cut: ${slowMs} ms for 100 messages when slow, ${cuts.join(', ')} ms after each cut`)

  expect(found).toMatchObject({ ...whateverDies, overlaps: 0 })
  expect(found.doubled).toBeLessThanOrEqual(found.mayDouble)
  // Slow is not dead: nobody was thrown out of the group for it.
  expect(joinsWhileSlow).toBeLessThanOrEqual(3)
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
