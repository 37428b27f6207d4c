/** A process tells how it is: ready when it has joined, not while it drains, live whatever broker and handlers do, and in numbers. */
import { consumer, DeadLetter, on } from 'spillway'
import { expect, onTestFinished, test } from 'vitest'
import { startHealth } from '../../src/process/health.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { asking, askingChild } from './asking.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, spillwayRun, startChild } from './children.ts'
import { openScenario, patienceMs, type Scenario } from './harness.ts'
import { stepsOn } from './messages.ts'

const within = { withinMs: patienceMs }

async function listen(processors: readonly ReturnType<typeof consumer>[], { signals }: Scenario, stuckGraceMs = 60_000) {
  const address = { host: '127.0.0.1', port: 0 }
  const options = { address, service: 'it', version: '0', processors, signals, limits: { stuckGraceMs } }
  const health = await startHealth(options)
  onTestFinished(() => health.close())
  return { health, ...asking(`http://127.0.0.1:${health.address.port}`) }
}

test('ready after the join; lag, in flight and outcomes are what they are', async () => {
  const scenario = await openScenario()
  const { steps, opened, closed } = stepsOn()
  const gate = Promise.withResolvers<void>()
  const group = unique('health')
  const subscriptions = [
    on(opened, ({ n }) => (n === 3 ? gate.promise : undefined)),
    on(closed, ({ n }, { attempt }) => {
      if (n === 1) throw new DeadLetter('no')
      if (attempt === 1) throw new Error('not yet')
    }),
  ]
  const counted = consumer(group, subscriptions, { retry: { tiers: ['100ms'] } })
  await scenario.prepare([counted])
  const { health, verdict, metric, ready, url } = await listen([counted], scenario)
  expect(await verdict('/readyz')).toMatchObject({
    status: 503,
    body: { problems: ['the registry has not answered yet', `${group}: not joined yet`] },
  })
  expect((await verdict('/livez')).status).toBe(200)
  health.registryReached()
  health.follow(await scenario.run([counted]))
  await ready()

  const opening = scenario.client.publisher(opened)
  await Promise.all([1, 2, 3, 4].map(n => opening.publish({ id: 'a', n })))
  const inGroup = `group="${group}"`
  await until(async () => (await metric('spillway_queued', inGroup)) === 1, { ...within, what: 'one to wait behind the third' })
  expect(await metric('spillway_in_flight', inGroup)).toBe(1)
  await until(async () => (await metric('spillway_lag_records', inGroup, steps.name)) === 2, { ...within, what: 'the lag' })
  expect(await metric('spillway_lag_age_seconds', inGroup, steps.name)).toBeGreaterThan(0)
  const status = await (await fetch(`${url}/status`)).json()
  expect(status).toMatchObject({ groups: [{ group, phase: 'assigned', inFlight: 1, queued: 1, stuck: [] }] })
  gate.resolve()
  await Promise.all([1, 2].map(n => scenario.client.publisher(closed).publish({ id: 'b', n })))
  await until(async () => (await metric('spillway_messages_handled_total', inGroup, 'it.Closed')) === 1, {
    ...within,
    what: 'the retry',
  })
  await scenario.drained(counted)

  expect(await metric('spillway_messages_handled_total', inGroup, 'it.Opened')).toBe(4)
  expect(await metric('spillway_handler_duration_seconds_count', inGroup, 'it.Opened')).toBe(4)
  expect(await metric('spillway_messages_retried_total', inGroup, `tier="${group}.retry.100ms"`)).toBe(1)
  expect(await metric('spillway_dead_letters_total', inGroup, 'disposition="rejected"')).toBe(1)
  await until(async () => (await metric('spillway_lag_records', inGroup, steps.name)) === 0, { ...within, what: 'no lag' })
  expect(await metric('spillway_lag_age_seconds', inGroup, steps.name)).toBe(0)
})

test('a handler that never settles is given up and leaves the process live; an attempt that no deadline ends does not', async () => {
  const scenario = await openScenario()
  const { opened } = stepsOn()
  let hung = 0
  const hanging = consumer(unique('hung'), [on(opened, () => new Promise(() => hung++))], {
    handlerTimeout: '100ms',
    retry: { tiers: [] },
  })
  await scenario.prepare([hanging])
  const { registry } = scenario
  const { health, verdict, metric, ready } = await listen([hanging], scenario, 500)
  const never = new Promise<never>(() => {})
  let asksForever = false
  // A registry client without a time limit, say: what may hang outside the handler.
  const schemaById: typeof registry.schemaById = id => (asksForever ? never : registry.schemaById(id))
  const slow = Object.create(registry, { schemaById: { value: schemaById } }) as typeof registry
  health.registryReached()
  health.follow(await scenario.run([hanging], { registry: slow, drainTimeoutMs: 1_000 }))
  await ready()
  await scenario.client.publisher(opened).publish({ id: 'a', n: 1 })
  await until(async () => (await metric('spillway_dead_letters_total', 'exhausted')) === 1, {
    ...within,
    what: 'it to be given up',
  })
  expect(hung).toBe(1)
  expect(await metric('spillway_handler_timeouts_total', 'it.Opened')).toBe(1)
  expect((await verdict('/livez')).status).toBe(200)

  asksForever = true
  await scenario.put(opened.topic.name, { key: 'b', value: Buffer.from([0, 0, 0, 255, 255, 1]) })
  await until(async () => (await verdict('/livez')).status === 503, { ...within, what: 'it to be stuck' })
  expect((await verdict('/livez')).body.problems).toEqual([expect.stringMatching(/it-hung.*it-steps.*\/0 at \d+ is stuck for/)])
  expect((await verdict('/readyz')).status).toBe(200)
})

test('SIGTERM: not ready at once, live until the end, and nothing keeps it alive', async () => {
  const { client, prepare } = await openScenario()
  const journal = openJournal()
  const { consumer: stepped, opened } = journalling(journal.settings)
  await prepare([stepped])
  const child = await startChild([...spillwayRun, '--http', '0'], journal.settings, { LOG_FORMAT: 'json' })
  const { verdict, ready } = await askingChild(child)
  await ready()
  // Twenty of one entity that take 300 ms each: only the one that runs is waited for.
  await Promise.all(Array.from({ length: 20 }, () => client.publisher(opened).publish({ id: 'a', n: 10 })))
  await until(() => journal.started().length > journal.finished().length, { ...within, what: 'one to run' })
  child.kill('SIGTERM')
  const draining = await until(
    async () => {
      const asked = await verdict('/readyz').catch(() => undefined)
      return asked === undefined || asked.status === 503 ? { asked } : undefined
    },
    { ...within, what: 'it not to be ready' },
  )
  expect(draining.asked).toMatchObject({ body: { problems: expect.arrayContaining(['the process is stopping']) } })
  expect(await child.exited).toEqual({ code: 0, signal: null })
})

test('a port in use is one clear error, and nothing is started', async () => {
  const scenario = await openScenario()
  const journal = openJournal()
  const { consumer: stepped } = journalling(journal.settings)
  await scenario.prepare([stepped])
  const { health } = await listen([stepped], scenario)
  const child = await startChild(spillwayRun, journal.settings, { HTTP_PORT: String(health.address.port), LOG_FORMAT: 'json' })
  expect(await child.exited).toEqual({ code: 1, signal: null })
  const output = child.output.join('\n')
  expect(output).toMatch(/E_ADDRESS/)
  expect(output).toContain(`127.0.0.1:${health.address.port}`)
  expect(output).not.toMatch(/starting|consumer\.joined/)
})
