/**
 * Poison or outage: a server that handlers call is gone for a minute under load, in two processes, and the ladder is over in three
 * seconds: no dead letter, and all is handled when it is back. One entity among 10,000 whose messages fail always is a dead letter
 * in the time of the ladder, and nobody waits for it.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { consumer, on } from 'spillway'
import { expect, onTestFinished, test } from 'vitest'
import { durationMs } from '../../src/message/duration.ts'
import { openScenario, patienceMs } from '../scenarios/harness.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { startPublishing } from './publisher.ts'
import { dice, size } from './sizes.ts'
import { entities } from './stage.ts'

const outageMs = size(12_000, 60_000)
const probeEvery = size('500ms', '5s') as '5s'
const within = { withinMs: 2 * patienceMs }

/** A server that counts, and that can go away and come back on the same port. */
async function openServer() {
  const posts = new Map<string, number>()
  let server: Server | undefined
  let port = 0
  const up = async () => {
    server = createServer((request, response) => {
      posts.set(request.url!, (posts.get(request.url!) ?? 0) + 1)
      response.end()
    })
    await new Promise<void>(resolve => server!.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  }
  const down = async () => {
    server?.closeAllConnections()
    await new Promise<void>(resolve => (server ? server.close(() => resolve()) : resolve()))
    server = undefined
  }
  await up()
  onTestFinished(down)
  return { posts, up, down, url: `http://127.0.0.1:${port}` }
}

test(`a server that is away for ${outageMs / 1_000} s under load`, async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const { opened } = stepsOn({ partitions: 6 })
  const server = await openServer()
  let tries = 0
  const post = async ({ id, n }: { id: string; n: number }, { signal }: { signal: AbortSignal }) => {
    tries++
    const answer = await fetch(`${server.url}/${id}/${n}`, { method: 'POST', signal })
    await answer.arrayBuffer()
  }
  const poster = consumer(unique('poster'), [on(opened, post)], { retry: { tiers: ['1s', '2s'] }, breaker: { probeEvery } })
  await prepare([poster])
  const opening = heard('breaker.opened')
  const closing = heard('breaker.closed')
  const probed = heard('breaker.probed')
  const retried = heard('message.retried')
  await Promise.all([run([poster]), run([poster])])
  const { publish } = client.publisher(opened)
  const load = startPublishing(publish, { entities: entities('entity', 2_000), perSecond: 300 }, dice('outage'))
  await until(() => server.posts.size > 500, { ...within, what: 'the load to be handled' })

  const began = performance.now()
  await server.down()
  await until(() => opening.length >= 2, { ...within, what: 'both breakers to open' })
  const openedAfterMs = performance.now() - began
  const triesBefore = tries
  await until(() => performance.now() - began > outageMs, { withinMs: outageMs + 10_000, what: 'the outage to last' })
  const inBetween = { probes: probed.length, tries: tries - triesBefore, retried: retried.length }
  const letters = await records(poster.ladder.dlq)
  await server.up()
  const back = performance.now()
  await until(() => closing.length >= 2, { ...within, what: 'both breakers to close' })
  const closedAfterMs = performance.now() - back
  await load.stop()
  await drained(poster)

  const handled = load.acked.filter(({ key, seq }) => server.posts.has(`/${key}/${seq}`)).length
  const doubled = [...server.posts.values()].reduce((sum, count) => sum + count - 1, 0)
  const told = { acked: load.acked.length, handled, doubled, openedAfterMs, closedAfterMs, ...inBetween }
  console.log(`outage of ${outageMs / 1_000} s: ${JSON.stringify(told)}`)
  expect([letters, await records(poster.ladder.dlq)]).toEqual([[], []])
  expect(load.refused).toEqual([])
  expect(handled).toBe(load.acked.length)
  // Two processes, each with what it takes to open and what ran at the same time, however long it lasts; then only probes.
  expect(inBetween.retried).toBeLessThan(400)
  expect(inBetween.tries).toBeLessThanOrEqual(2 * 64 + inBetween.probes + 2)
  expect(inBetween.probes).toBeGreaterThan(outageMs / durationMs(probeEvery))
})

test('one poison entity among 10,000', async () => {
  const { client, prepare, run, drained, heard, trails } = await openScenario()
  const { opened } = stepsOn({ partitions: 6 })
  const handledAt: number[] = []
  const handler = async ({ id }: { id: string }) => {
    if (id === 'poison') throw new TypeError('cannot read properties of undefined')
    handledAt.push(performance.now())
  }
  const ladderMs = 3_500
  const reader = consumer(unique('reader'), [on(opened, handler)], { retry: { tiers: ['500ms', '1s', '2s'] } })
  await prepare([reader])
  const [opening, dead] = [heard('breaker.opened'), heard('message.deadLettered')]
  await run([reader])
  const { publish } = client.publisher(opened)
  await publish({ id: 'entity-0', n: 0 })
  await until(() => handledAt.length > 0, { ...within, what: 'the first message' })
  const began = performance.now()
  await publish({ id: 'poison', n: 1 })
  let deadAfterMs = 0
  const died = until(() => dead.length > 0, { ...within, what: 'the dead letter' }).then(() => {
    deadAfterMs = performance.now() - began
  })
  // Two thousand a second: they come for as long as it climbs.
  const others = entities('entity', 10_000)
  for (let n = 0; n < others.length; n += 200) {
    await Promise.all(others.slice(n, n + 200).map(id => publish({ id, n: 1 })))
    const at = began + n / 2
    await until(() => performance.now() >= at, { ...within, what: 'the time of the next ones' })
  }
  await died
  await drained(reader)
  const meanwhile = handledAt.filter(at => at - began < deadAfterMs).length
  console.log(
    `poison: a letter after ${deadAfterMs.toFixed(0)} ms, the ladder takes ${ladderMs}; ${meanwhile} others were handled meanwhile`,
  )
  expect(handledAt).toHaveLength(others.length + 1)
  expect(opening).toEqual([])
  expect(await trails(reader.ladder.dlq)).toMatchObject([{ disposition: 'exhausted', attempt: 4 }])
  expect(deadAfterMs).toBeGreaterThanOrEqual(ladderMs)
  // Each of the three copies may wait for a busy machine.
  expect(deadAfterMs).toBeLessThan(ladderMs + 5_000)
  expect(meanwhile).toBeGreaterThan(2_000)
})
