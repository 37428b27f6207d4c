/**
 * `retry.route` says where a failed try leads: a tier, another wait, a time, the DLQ, nothing, or the ladder. One that throws or
 * answers nonsense is told of and leaves it to the ladder. Whatever it says, no try is early, and followers wait.
 */
import { consumer, on, type RetryOptions } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

type Route = NonNullable<RetryOptions['route']>

/** By the key of the entity, which the handler throws as the error's message. */
const routes: Readonly<Record<string, { readonly answer: () => unknown; readonly notBeforeMs: number }>> = {
  tier: { answer: () => '1s', notBeforeMs: 1_000 },
  wait: { answer: () => '1600ms', notBeforeMs: 1_600 },
  short: { answer: () => '50ms', notBeforeMs: 50 },
  ladder: { answer: () => undefined, notBeforeMs: 200 },
  throws: {
    answer: () => {
      throw new TypeError('a bug of the route')
    },
    notBeforeMs: 200,
  },
  nonsense: { answer: () => 'soon', notBeforeMs: 200 },
  number: { answer: () => 5_000, notBeforeMs: 200 },
}

test('each answer of a route leads where it says', async () => {
  const { client, prepare, run, drained, heard, trails } = await openScenario()
  const { opened } = stepsOn({ partitions: 2 })
  const tries: { step: string; attempt: number; atMs: number }[] = []
  const asked: string[] = []
  const dueAtMs = Date.now() + 3_000
  const route: Route = (error, attempt) => {
    const id = (error as Error).message
    asked.push(`${id} #${attempt}`)
    if (id === 'date') return new Date(dueAtMs)
    if (id === 'skip' || id === 'dead-letter') return id
    return routes[id]!.answer() as ReturnType<Route>
  }
  const routed = consumer(
    unique('routed'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        tries.push({ step: `${id} ${n}`, attempt, atMs: Date.now() })
        if (n === 1 && attempt === 1) throw new Error(id)
      }),
    ],
    { retry: { tiers: ['200ms', '1s'], route } },
  )
  await prepare([routed])
  const [failures, skipped, done] = [heard('route.failed'), heard('message.skipped'), heard('message.done')]
  await run([routed])
  const ids = [...Object.keys(routes), 'date', 'skip', 'dead-letter']
  await Promise.all(ids.flatMap(id => [1, 2].map(n => client.publisher(opened).publish({ id, n }))))
  await drained(routed)

  const of = (step: string) => tries.filter(one => one.step === step)
  for (const id of ids) {
    const again = id === 'skip' || id === 'dead-letter' ? [] : [2]
    expect(of(`${id} 1`).map(({ attempt }) => attempt)).toEqual([1, ...again])
    expect(of(`${id} 2`).map(({ attempt }) => attempt)).toEqual([1])
    expect(of(`${id} 2`)[0]!.atMs).toBeGreaterThanOrEqual(of(`${id} 1`).at(-1)!.atMs)
  }
  for (const [id, { notBeforeMs }] of Object.entries(routes)) {
    const [first, second] = of(`${id} 1`)
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(notBeforeMs)
  }
  expect(of('date 1')[1]!.atMs).toBeGreaterThanOrEqual(dueAtMs)
  expect(asked.toSorted()).toEqual(ids.map(id => `${id} #1`).sort())
  const groups = failures.map(({ group, error }) => [group, (error as Error).name])
  expect(groups.sort()).toEqual([
    [routed.name, 'DefinitionError'],
    [routed.name, 'DefinitionError'],
    [routed.name, 'TypeError'],
  ])
  expect(skipped).toMatchObject([{ reason: 'requested' }])
  expect(await trails(routed.ladder.dlq)).toMatchObject([
    { disposition: 'rejected', attempt: 1, failure: { message: 'dead-letter' } },
  ])
  expect(done).toHaveLength(ids.length * 2 - 2)
})
