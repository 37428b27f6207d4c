/**
 * Connections that stay open and carry nothing any more: the consumer is built anew within a session, long before kafkajs would
 * give up. And while there is no broker at all the process is live and ready: a restart would not bring it back.
 */
import { consumer as consumerOf, on } from 'spillway'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/consume/limits.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { askingChild } from './asking.ts'
import { startProxy } from './broker-proxy.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, startChild, watched } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a consumer gone silent is built anew; without a broker the process stays live', async () => {
  const { client, prepare } = await openScenario()
  const proxy = await startProxy()
  const journal = openJournal()
  const { consumer, opened } = journalling(journal.settings)
  await prepare([consumer])
  const child = await startChild(watched, journal.settings, { IT_REDIRECT: proxy.redirect })
  const { verdict, ready, metric } = await askingChild(child)
  await ready()
  const publisher = client.publisher(opened)
  let n = 0
  const handlesOneMore = async () => {
    await publisher.publish({ id: 'a', n: ++n })
    await until(() => journal.finished().some(({ step }) => step === `a ${n}`), { withinMs: patienceMs, what: `step ${n}` })
  }
  const crashes = () => metric('spillway_consumer_crashes_total')
  await handlesOneMore()

  const frozenAt = performance.now()
  proxy.freeze()
  await until(async () => (await crashes()) === 1, { withinMs: 20_000, what: 'the silence to be noticed' })
  expect(performance.now() - frozenAt).toBeGreaterThan(4_000)
  expect(child.output.find(line => line.includes('consumer.crashed'))).toMatch(/E_BROKER_UNAVAILABLE.*no answer for 6 s/)
  await handlesOneMore()

  proxy.refuse()
  await until(async () => (await crashes()) > 1, { withinMs: patienceMs, what: 'a consumer without a broker' })
  expect((await verdict('/livez')).status).toBe(200)
  expect(await verdict('/readyz')).toMatchObject({ status: 200, body: { notes: [expect.stringContaining('rebuilding for')] } })
  proxy.allow()
  await handlesOneMore()
  expect((await verdict('/readyz')).body.notes).toEqual([])
}, 180_000)

test('fetches that are held back, and a drain, for longer than a session are no silence', async () => {
  const { client, prepare, run, heard } = await openScenario()
  const { opened } = stepsOn({ partitions: 1 })
  const gate = Promise.withResolvers<void>()
  const handled: number[] = []
  const slow = consumerOf(unique('slow'), [on(opened, ({ n }) => gate.promise.then(() => handled.push(n)))])
  await prepare([slow])
  const [crashed, revoking] = [heard('consumer.crashed'), heard('consumer.revoking')]
  const limits = { ...defaultLimits, maxQueuedRecords: 1 }
  const options = { sessionTimeoutMs: 6_000, limits }
  const held = await run([slow], options)
  await Promise.all([1, 2, 3].map(n => client.publisher(opened).publish({ id: 'a', n })))
  await until(() => (held.progress().get(slow.name)?.queued ?? 0) > 1, { withinMs: patienceMs, what: 'the queue to be full' })
  const longerThanASession = async () => {
    const endsAt = performance.now() + 9_000
    await until(() => performance.now() > endsAt || crashed.length > 0, { withinMs: patienceMs, what: 'a session to pass' })
    expect(crashed).toEqual([])
  }
  await longerThanASession()
  const second = run([slow], options)
  await until(() => revoking.length > 0, { withinMs: patienceMs, what: 'the rebalance' })
  await longerThanASession()
  gate.resolve()
  await second
  await until(() => handled.length === 3, { withinMs: patienceMs, what: 'all to be handled' })
  expect(crashed).toEqual([])
}, 180_000)
