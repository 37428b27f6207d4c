/**
 * What handlers need goes away: the breaker opens, what fails stays where it is, and all is handled when it is back. What fails for
 * some entities only is left to the ladder.
 */
import { consumer, on } from 'spillway'
import { expect, onTestFinished, test } from 'vitest'
import { startHealth } from '../../src/process/health.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { asking } from './asking.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

const within = { withinMs: patienceMs }
const entities = (count: number) => Array.from({ length: count }, (_, n) => `entity-${n}`)
/** What may have failed before it opens: as many as it takes, and what ran at the same time. */
const mostFailures = 20 + 64

function downstream() {
  const world = { isDown: false, tries: 0 }
  const handled: string[] = []
  const handler = ({ id, n }: { id: string; n: number }) => {
    world.tries++
    if (world.isDown) throw new Error(`connect ECONNREFUSED 10.0.0.1:${n}`)
    handled.push(`${id} ${n}`)
  }
  return { world, handled, handler }
}

test('an outage under load that a ladder of one tiny tier could not outlast: no letter, and all is handled afterwards', async () => {
  const scenario = await openScenario()
  const { client, prepare, run, drained, heard, records, signals } = scenario
  const { opened } = stepsOn()
  const { world, handled, handler } = downstream()
  const group = unique('outage')
  const reader = consumer(group, [on(opened, handler)], { retry: { tiers: ['100ms'] }, breaker: { probeEvery: '200ms' } })
  await prepare([reader])
  const [opening, probed, closed, retried] = [
    heard('breaker.opened'),
    heard('breaker.probed'),
    heard('breaker.closed'),
    heard('message.retried'),
  ]
  const health = await startHealth({
    address: { host: '127.0.0.1', port: 0 },
    service: 'it',
    version: '0',
    processors: [reader],
    signals,
  })
  onTestFinished(() => health.close())
  const { verdict, metric, url } = asking(`http://127.0.0.1:${health.address.port}`)
  health.registryReached()
  health.follow(await run([reader]))
  const publish = (from: number, to: number) =>
    Promise.all(
      stepsOf(entities(300), to)
        .filter(({ n }) => n > from)
        .map(step => client.publisher(opened).publish(step)),
    )
  await publish(0, 1)
  await drained(reader)

  world.isDown = true
  await publish(1, 3)
  await until(() => opening.length > 0, { ...within, what: 'the breaker to open' })
  const triesWhenOpened = world.tries
  await publish(3, 4)
  await until(() => probed.length >= 10, { ...within, what: 'ten probes' })
  const readyz = await verdict('/readyz')
  const { groups } = (await (await fetch(`${url}/status`)).json()) as { groups: Record<string, unknown>[] }
  expect(await metric('spillway_breaker_open', group)).toBe(1)
  const { failure, failed, tried } = opening[0]!
  expect(failed).toBeGreaterThanOrEqual(Math.max(20, tried / 2))
  expect(readyz.status).toBe(200)
  expect(readyz.body.notes).toContainEqual(
    expect.stringMatching(
      new RegExp(
        `^${group}: the breaker is open for [\\d.]+ s: ${failed} of ${tried} entities failed with Error ${failure.fingerprint}, and so did \\d+ tries since$`,
      ),
    ),
  )
  expect(groups).toMatchObject([
    { inFlight: 0, breaker: { state: 'open', fingerprint: failure.fingerprint, errorClass: 'Error', failed, tried } },
  ])
  expect(groups[0]!.held).toBeGreaterThan(500)
  expect(retried.length).toBeLessThanOrEqual(mostFailures)
  // What ran when it opened, and one for each probe: that is all that was tried.
  expect(world.tries).toBeLessThanOrEqual(triesWhenOpened + 64 + probed.length + 1)
  expect(new Set(probed.map(({ origin }) => `${origin.partition} ${origin.offset}`)).size).toBe(probed.length)
  expect([await records(reader.ladder.dlq), closed]).toEqual([[], []])

  world.isDown = false
  await drained(reader)
  expect(handled.sort()).toEqual(
    stepsOf(entities(300), 4)
      .map(({ id, n }) => `${id} ${n}`)
      .sort(),
  )
  expect(await records(reader.ladder.dlq)).toEqual([])
  expect(opening).toHaveLength(1)
  expect(closed).toMatchObject([{ group, reason: 'success', fingerprint: failure.fingerprint }])
  expect((await verdict('/readyz')).body.notes).toEqual([])
  expect(await metric('spillway_breaker_open', group)).toBe(0)
})

test('while it is open a rebalance and a stop take no time, and nothing is lost or done twice', async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const { opened } = stepsOn({ partitions: 4 })
  const { world, handled, handler } = downstream()
  world.isDown = true
  const reader = consumer(unique('outage'), [on(opened, handler)], {
    // Each process finds out for itself, at the cost of some tries.
    retry: { tiers: ['100ms', '200ms', '300ms'] },
  })
  await prepare([reader])
  const [opening, revoked, joined] = [heard('breaker.opened'), heard('consumer.drained'), heard('consumer.joined')]
  const first = await run([reader])
  await Promise.all(stepsOf(entities(200), 2).map(step => client.publisher(opened).publish(step)))
  await until(() => opening.length > 0, { ...within, what: 'the breaker to open' })
  const triesWhenOpened = world.tries

  const second = await run([reader])
  await until(() => joined.length >= 3, { ...within, what: 'both to share the partitions' })
  await until(() => opening.length >= 2, { ...within, what: 'the breaker of the second process' })
  const began = performance.now()
  await Promise.all([first.stop(), second.stop()])
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(Math.max(...revoked.map(({ durationMs }) => durationMs))).toBeLessThan(2_000)
  expect(revoked.map(({ unfinished }) => unfinished)).toEqual(revoked.map(() => 0))
  expect(world.tries - triesWhenOpened).toBeLessThan(2 * mostFailures)

  world.isDown = false
  await run([reader])
  await drained(reader)
  expect(handled.sort()).toEqual(
    stepsOf(entities(200), 2)
      .map(({ id, n }) => `${id} ${n}`)
      .sort(),
  )
  expect(await records(reader.ladder.dlq)).toEqual([])
})

test('one entity in five that fails with one error at every try leaves it closed, also when only its copies come back', async () => {
  const { client, prepare, run, drained, heard, trails } = await openScenario()
  const { opened } = stepsOn()
  const handled: string[] = []
  const reader = consumer(
    unique('partial'),
    [
      on(opened, ({ id }) => {
        if (Number(id.split('-')[1]) % 5 === 0) throw new Error(`no price for ${id}`)
        handled.push(id)
      }),
    ],
    // Longer than its window: when they come back nothing else was tried for as long.
    { retry: { tiers: ['100ms', '1s', '2s'] }, breaker: { window: '500ms' } },
  )
  await prepare([reader])
  const opening = heard('breaker.opened')
  await run([reader])
  await Promise.all(entities(1_000).map(id => client.publisher(opened).publish({ id, n: 1 })))
  await drained(reader)
  expect(opening).toEqual([])
  expect(handled).toHaveLength(800)
  expect(await trails(reader.ladder.dlq)).toMatchObject(Array(200).fill({ disposition: 'exhausted', attempt: 4 }))
})

test('redriven letters that fail all alike open it too, and are handled when they can be', async () => {
  const { broker, admin, client, prepare, run, drained, heard, records } = await openScenario()
  const { opened } = stepsOn()
  const { world, handled, handler } = downstream()
  world.isDown = true
  const group = unique('redriven')
  const without = consumer(group, [on(opened, handler)], { retry: { tiers: [] }, breaker: false })
  const guarded = consumer(group, [on(opened, handler)], { retry: { tiers: [] }, breaker: { probeEvery: '200ms' } })
  await prepare([without])
  const opening = heard('breaker.opened')
  const before = await run([without])
  await Promise.all(entities(50).map(id => client.publisher(opened).publish({ id, n: 1 })))
  await drained(without)
  await before.stop()
  expect([(await records(without.ladder.dlq)).length, opening.length]).toEqual([50, 0])

  await run([guarded])
  const how = { runId: 'run-1', who: 'ops', reason: 'too early' }
  await runRedrive({ reader: broker.reader(), admin, group }, broker.transactionalProducer(`${group}.redrive`), how)
  await until(() => opening.length > 0, { ...within, what: 'the breaker to open' })
  world.isDown = false
  await drained(guarded)
  // Those that failed before it opened are letters again; all others were held.
  const again = (await records(guarded.ladder.dlq)).length - 50
  expect(again).toBeLessThan(50)
  expect(handled).toHaveLength(50 - again)
})
