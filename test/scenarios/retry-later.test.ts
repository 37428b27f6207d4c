/**
 * RetryLater is "not now", no failure: the message comes again no earlier than asked, however often it asks, and no attempt is
 * used up, so a short ladder is not exhausted by it. The later messages of its entity wait meanwhile.
 */
import { consumer, on, RetryLater } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a handler that asks for a later time is asked again then, without using an attempt', async () => {
  const { client, prepare, run, drained, heard } = await openScenario()
  const { opened } = stepsOn()
  const tries: { attempt: number; atMs: number }[] = []
  const followers: { n: number; after: number }[] = []
  const waits = ['700ms', '100ms', new Date(Date.now() + 4_000), '300ms'] as const
  const patient = consumer(
    unique('patient'),
    [
      on(opened, ({ n }, { attempt }) => {
        if (n > 1) return void followers.push({ n, after: tries.length })
        tries.push({ attempt, atMs: Date.now() })
        const wait = waits[tries.length - 1]
        if (wait !== undefined) throw new RetryLater(wait)
        if (tries.length === waits.length + 1) throw new Error('a failure, which counts')
      }),
    ],
    { retry: { tiers: ['200ms', '500ms'] } },
  )
  await prepare([patient])
  const dead = heard('message.deadLettered')
  await run([patient])
  for (const n of [1, 2, 3]) await client.publisher(opened).publish({ id: 'a', n })
  await drained(patient)

  expect(tries.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 2])
  for (const [i, wait] of waits.entries()) {
    const notBefore = wait instanceof Date ? wait.getTime() : tries[i]!.atMs + Number.parseInt(wait, 10)
    expect(tries[i + 1]!.atMs).toBeGreaterThanOrEqual(notBefore)
  }
  expect(tries[5]!.atMs).toBeGreaterThanOrEqual(tries[4]!.atMs + 200)
  expect(followers).toEqual([2, 3].map(n => ({ n, after: 6 })))
  expect(dead).toEqual([])
})
