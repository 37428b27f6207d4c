/**
 * The registry goes away for half a minute in the middle of work: it refuses, swallows, or answers 500. Records of schemas that are
 * known go on, those of a new one wait where they are, and nothing is dead-lettered, retried or lost.
 */
import { consumer, on } from 'spillway'
import { expect, onTestFinished, test } from 'vitest'
import { startHealth } from '../../src/process/health.ts'
import { createClient } from '../../src/produce/client.ts'
import { connectRegistry } from '../../src/schema/registry.ts'
import { asking } from '../scenarios/asking.ts'
import { openScenario } from '../scenarios/harness.ts'
import { stepsOf, stepsOn } from '../scenarios/messages.ts'
import { type RegistryFault, registryFaults, startRegistryProxy } from '../scenarios/registry-proxy.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { size } from './sizes.ts'

/** Half a minute, in which look-ups time out several times; those that fail at once are many sooner. */
const awayMs: Record<RegistryFault, number> = { refused: size(7_000, 30_000), 'black hole': 30_000, '500': size(7_000, 30_000) }
const concurrency = 8
const entities = Array.from({ length: 200 }, (_, n) => `entity-${n}`)

/** A consumer of two topics whose process reaches the registry by the proxy; it knows the schema of `opened`, and not yet that of `closed`. */
async function onStage() {
  const scenario = await openScenario()
  const proxy = await startRegistryProxy()
  const [mixed, plain] = [stepsOn(), stepsOn()]
  const handled: string[] = []
  const world = { running: 0, most: 0 }
  const handler =
    (what: string) =>
    async ({ id, n }: { id: string; n: number }) => {
      world.most = Math.max(world.most, ++world.running)
      await new Promise<void>(resolve => setImmediate(resolve))
      world.running--
      handled.push(`${what} ${id} ${n}`)
    }
  const subscriptions = [
    on(mixed.opened, handler('opened')),
    on(mixed.closed, handler('closed')),
    on(plain.opened, handler('plain')),
  ]
  const reader = consumer(unique('away'), subscriptions, { retry: { tiers: ['100ms'] }, concurrency })
  await scenario.prepare([reader])
  const registry = connectRegistry({ url: proxy.url })
  const { signals } = scenario
  const address = { host: '127.0.0.1', port: 0 }
  const health = await startHealth({ address, service: 'it', version: '0', processors: [reader], signals })
  onTestFinished(() => health.close())
  health.registryReached()
  health.follow(await scenario.run([reader], { registry }))
  const published: string[] = []
  const publish = async (what: 'opened' | 'closed' | 'plain', ids: readonly string[], from: number, to: number) => {
    const definition = { opened: mixed.opened, closed: mixed.closed, plain: plain.opened }[what]
    const steps = stepsOf(ids, to).filter(({ n }) => n >= from)
    await Promise.all(steps.map(step => scenario.client.publisher(definition).publish(step)))
    published.push(...steps.map(({ id, n }) => `${what} ${id} ${n}`))
  }
  const has = (...lines: string[]) => lines.every(line => handled.includes(line))
  const ownClient = createClient({ producer: scenario.broker.producer(), registry, source: 'it' })
  const all = {
    ...scenario,
    ...asking(`http://127.0.0.1:${health.address.port}`),
    proxy,
    reader,
    handled,
    world,
    publish,
    published,
    has,
  }
  return { ...all, mixed, plain, ownClient }
}

test.each(registryFaults)('%s', async fault => {
  const stage = await onStage()
  const { proxy, reader, handled, world, publish, published, has, verdict, metric, heard, ownClient, mixed, drained, records } =
    stage
  const bad = [heard('message.retried'), heard('message.deadLettered'), heard('consumer.crashed'), heard('breaker.opened')]
  await publish('opened', entities, 1, 1)
  await publish('plain', entities, 1, 1)
  await drained(reader)
  await ownClient.publisher(mixed.opened).publish({ id: 'own', n: 1 })

  await proxy.break(fault)
  const since = performance.now()
  // Those of the new schema are more than there are places, and lie before others of their partitions.
  await publish('closed', entities, 2, 2)
  await publish('opened', entities, 3, 3)
  const blocked = async () => (await metric('spillway_partitions_blocked', reader.name, mixed.steps.name)) === 3
  await until(blocked, { withinMs: 10_000, what: 'its partitions to wait' })
  let n = 3
  let longestMs = 0
  while (performance.now() - since < awayMs[fault]) {
    const began = performance.now()
    await publish('plain', entities.slice(0, 20), ++n, n)
    await until(() => has(...entities.slice(0, 20).map(id => `plain ${id} ${n}`)), {
      withinMs: 10_000,
      what: 'known work to go on',
    })
    longestMs = Math.max(longestMs, performance.now() - began)
    await ownClient.publisher(mixed.opened).publish({ id: 'own', n })
  }
  const { status, body } = await verdict('/readyz')
  expect(status).toBe(200)
  expect(body.notes).toContainEqual(expect.stringMatching(/\/\d waits for the registry for [\d.]+ s$/))
  await expect(ownClient.publisher(mixed.closed).publish({ id: 'own', n: 1 })).rejects.toMatchObject({
    code: 'E_REGISTRY_UNAVAILABLE',
    retryable: true,
  })
  expect(handled.filter(line => line.startsWith('closed'))).toEqual([])

  world.most = 0
  await proxy.mend()
  await drained(reader)
  console.log(
    `registry ${fault}: away ${Math.round(performance.now() - since)} ms, known work at most ${Math.round(longestMs)} ms late`,
  )
  const own = handled.filter(line => line.includes(' own '))
  expect(own).toHaveLength(n - 2)
  expect(handled.filter(line => !line.includes(' own ')).sort()).toEqual(published.sort())
  // What had waited runs as all else does.
  expect(world.most).toBeLessThanOrEqual(concurrency)
  expect(bad).toEqual([[], [], [], []])
  expect(await records(reader.ladder.dlq)).toEqual([])
  expect((await verdict('/readyz')).body.notes).toEqual([])
})
