/**
 * `expireAfter`: a try that fails so long after the first failure is the last one, be there a further tier, a blocked entity, or a
 * handler that goes on asking for a later time. The message is dead-lettered as expired, and its entity goes on.
 */
import { consumer, on, RetryLater, type RetryOptions } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

const expireAfterMs = 1_200

const stories: readonly [string, RetryOptions, () => Error][] = [
  ['with tiers left', { tiers: ['300ms', '1s', '2s', '10m'] }, () => new Error('no')],
  ['when its entity is blocked', { tiers: ['300ms'], onExhausted: 'block' }, () => new Error('no')],
  ['when the handler asks for later times', { tiers: ['300ms'] }, () => new RetryLater('400ms')],
  ['when the route names a wait', { tiers: ['300ms'], route: () => '500ms' }, () => new Error('no')],
]

test.each(stories)('a message expires %s', async (_, retry, failure) => {
  const { client, prepare, run, drained, heard, trails } = await openScenario()
  const { opened } = stepsOn({ partitions: 1 })
  const tries: { n: number; atMs: number }[] = []
  const expiring = consumer(
    unique('expiring'),
    [
      on(opened, ({ n }) => {
        tries.push({ n, atMs: Date.now() })
        if (n === 1) throw failure()
      }),
    ],
    { retry: { ...retry, expireAfter: '1200ms' } },
  )
  await prepare([expiring])
  const done = heard('message.done')
  for (const n of [1, 2, 3]) await client.publisher(opened).publish({ id: 'a', n })
  await run([expiring])
  await drained(expiring)

  const [letter, ...further] = await trails(expiring.ladder.dlq)
  expect(further).toEqual([])
  expect(letter).toMatchObject({ disposition: 'expired' })
  const ofFirst = tries.filter(({ n }) => n === 1)
  // The last one is the first that failed when the time was over: one before it might still have been retried.
  const ageMs = ({ atMs }: { atMs: number }) => atMs - letter!.firstFailedAtMs!
  expect(ageMs(ofFirst.at(-2)!)).toBeLessThan(expireAfterMs)
  expect(ageMs(ofFirst.at(-1)!)).toBeGreaterThanOrEqual(expireAfterMs - 300)
  expect(tries.slice(-2).map(({ n }) => n)).toEqual([2, 3])
  expect(done).toHaveLength(2)
})
