/**
 * Connections that stay open and carry nothing any more: the consumer is built anew within a session, long before kafkajs would
 * give up. And while there is no broker at all the process is live and ready: a restart would not bring it back.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { askingChild } from './asking.ts'
import { startProxy } from './broker-proxy.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, startChild, watched } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'

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
