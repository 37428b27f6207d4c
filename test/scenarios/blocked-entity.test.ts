/**
 * `onExhausted: 'block'`: an entity whose message has failed in every tier goes on trying it every last delay, and its later messages
 * wait, while other entities flow, over a change of the process too. Once it succeeds all of them come, in order, and nothing is a
 * dead letter.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

test('an exhausted entity is blocked until its message succeeds', async () => {
  const { client, prepare, run, drained, heard, records, trails } = await openScenario()
  const { opened } = stepsOn({ partitions: 2 })
  const handled: string[] = []
  const tries: { attempt: number; atMs: number }[] = []
  let mended = false
  const blocking = consumer(
    unique('blocking'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        if (id === 'bad' && n === 1) {
          tries.push({ attempt, atMs: Date.now() })
          if (!mended) throw new Error('a bug')
        }
        handled.push(`${id} ${n}`)
      }),
    ],
    { retry: { tiers: ['200ms', '400ms'], onExhausted: 'block' } },
  )
  await prepare([blocking])
  const [retried, dead] = [heard('message.retried'), heard('message.deadLettered')]
  const { publish } = client.publisher(opened)
  const first = await run([blocking])
  await Promise.all([1, 2, 3].map(n => publish({ id: 'bad', n })))
  await until(() => tries.length >= 5, { withinMs: patienceMs, what: 'tries beyond the ladder' })
  await first.stop()
  const triedBefore = tries.length

  const second = await run([blocking])
  await Promise.all([4, 5].map(n => publish({ id: 'bad', n })))
  await Promise.all(['x', 'y', 'z'].flatMap(id => [1, 2, 3].map(n => publish({ id, n }))))
  await until(() => handled.length === 9 && tries.length > triedBefore + 1, {
    withinMs: patienceMs,
    what: 'the other entities, beside the blocked one',
  })
  expect(handled.filter(step => step.startsWith('bad'))).toEqual([])

  mended = true
  await drained(blocking)
  await second.stop()
  expect(handled.filter(step => step.startsWith('bad'))).toEqual([1, 2, 3, 4, 5].map(n => `bad ${n}`))
  expect(tries.map(({ attempt }) => attempt)).toEqual(tries.map((_, i) => i + 1))
  const last = blocking.ladder.tiers[1]!
  const blocked = retried.filter(signal => signal.blocked)
  expect(blocked.map(({ tier }) => tier)).toEqual(Array(tries.length - 3).fill(last.topic))
  for (const trail of (await trails(last.topic)).filter(({ attempt }) => attempt > 2)) {
    const [before, next] = tries.slice(trail.attempt - 1)
    expect(trail.dueAtMs).toBeGreaterThanOrEqual(before!.atMs + 400)
    expect(next!.atMs).toBeGreaterThanOrEqual(trail.dueAtMs!)
  }
  expect(dead).toEqual([])
  expect(await records(blocking.ladder.dlq)).toEqual([])
})
