import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import type { AttemptScope } from '../../src/consume/attempt.ts'
import { RetryLater } from '../../src/consume/outcome.ts'
import { type RetryOptions, retryPolicy } from '../../src/consume/retry-policy.ts'
import { Running } from '../../src/consume/running.ts'
import type { Letter } from '../../src/dlq/letter.ts'
import { BrokerUnavailable, RegistryUnavailable } from '../../src/errors.ts'
import { Signals } from '../../src/observe/signals.ts'
import { InLaneRetries } from '../../src/retry/in-lane.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { ManualClock } from '../manual-clock.ts'
import { asked } from './asked.ts'
import { persisting } from './persisting.ts'

const origin = { topic: 'steps', partition: 0, offset: 7n, timestampMs: 5 }
const delivery: Delivery = {
  record: { ...origin, key: Buffer.from('k'), value: Buffer.from('v'), headers: [] },
  origin,
  attempt: 1,
}
const threw = (error: unknown): Attempted => ({ kind: 'threw', type: 'T', id: 'i', error })
const returned: Attempted = { kind: 'returned', type: 'T', id: 'i', durationMs: 1 }

/** One record, whose tries come to these in turn; time is the test's own. */
function tried(...outcomes: readonly Attempted[]) {
  return triedWith({}, ...outcomes)
}

function triedWith(retry: RetryOptions, ...outcomes: readonly Attempted[]) {
  const clock = new ManualClock(1_000)
  const signals = new Signals()
  const letters: Letter[] = []
  const draining = new AbortController()
  const retries = new InLaneRetries({
    ladder: ladderOf('walk', ['1s', '5s']),
    retry: retryPolicy('walk', retry, 'key'),
    group: 'walk.replay-x',
    signals,
    clock,
    onLetter: async letter => void letters.push(letter),
  })
  const tries: { attempt: number; atMs: number }[] = []
  const suspended: boolean[] = []
  const scope: AttemptScope = {
    calls: new Running(),
    isOver: false,
    draining: draining.signal,
    suspend: async work => {
      suspended.push(true)
      return work
    },
  }
  const waits: number[] = []
  signals.on('replay.retried', ({ retryInMs }) => waits.push(retryInMs))
  const attempt = retries.retrying(async ({ attempt: number }) => {
    tries.push({ attempt: number, atMs: clock.now() })
    return outcomes[tries.length - 1]!
  })
  const answer: { attempted?: Attempted; error?: unknown } = {}
  const running = attempt(delivery, scope).then(
    attempted => {
      answer.attempted = attempted
    },
    error => {
      answer.error = error
    },
  )
  const at = async (ms: number) => {
    await turnOfTheLoop()
    clock.advanceTo(ms)
    await turnOfTheLoop()
  }
  return { retries, clock, tries, suspended, waits, letters, draining, answer, running, at }
}

test('it is tried again after each delay of the ladder, never early, and gives its place up meanwhile', async () => {
  const { at, tries, clock, suspended, waits, running, answer, retries } = tried(threw(1), threw(2), threw(3))
  await at(1_999)
  expect(tries).toHaveLength(1)
  // As timers of Node do, by a millisecond.
  clock.fireEarly(1_999)
  await at(1_999)
  expect(tries).toHaveLength(1)
  await at(2_000)
  await at(6_999)
  expect(tries).toHaveLength(2)
  await at(7_000)
  await running
  expect(tries).toEqual([1, 2, 3].map((attempt, i) => ({ attempt, atMs: [1_000, 2_000, 7_000][i] })))
  expect([suspended.length, waits, answer.attempted]).toEqual([2, [1_000, 5_000], threw(3)])
  expect(retries.counts).toMatchObject({ retried: 2, handled: 0 })
})

test('what is given up tells how often it was tried, and since when', async () => {
  const { at, running, answer, retries, letters, waits } = tried(
    threw(new RangeError('one')),
    threw(new RangeError('two')),
    threw(new RangeError('three')),
  )
  await at(2_000)
  await at(7_000)
  await running
  await asked(retries).settle(delivery, answer.attempted!, persisting())
  expect(letters).toMatchObject([
    {
      partition: 0,
      offset: 7n,
      record: delivery.record,
      trail: {
        origin,
        group: 'walk',
        attempt: 3,
        disposition: 'exhausted',
        firstFailedAtMs: 1_000,
        failure: { class: 'RangeError', message: 'three' },
      },
    },
  ])
  expect(waits).toEqual([1_000, 5_000])
  expect(retries.counts.failed).toBe(1)
})

test('RetryLater uses no attempt, and one for a time that has passed does not go round at once', async () => {
  const { at, tries, running, answer } = tried(threw(new RetryLater('3s')), threw(new RetryLater(new Date(0))), returned)
  await at(3_999)
  expect(tries).toHaveLength(1)
  await at(4_000)
  expect(tries).toHaveLength(2)
  await at(4_010)
  expect(tries).toHaveLength(2)
  await at(4_100)
  await running
  expect(tries.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  expect(answer.attempted).toBe(returned)
})

test.each([new BrokerUnavailable('away'), new RegistryUnavailable('away')])(
  'an outage is left to the session: %o',
  async error => {
    const { running, answer, tries, retries } = tried(threw(error))
    await running
    expect([answer.attempted, tries.length, retries.counts.retried]).toEqual([threw(error), 1, 0])
  },
)

test('a drain ends the wait at once, and the try is never made', async () => {
  const { at, draining, running, answer, tries } = tried(threw('x'))
  await at(1_000)
  draining.abort(new Error('over'))
  await running
  expect(answer.error).toMatchObject({ message: 'over' })
  expect(tries).toHaveLength(1)
})

test('a route of the processor is asked once a try, and its waits are waited here', async () => {
  const attempts: number[] = []
  const route = (error: unknown, attempt: number) => {
    attempts.push(attempt)
    return error === 'dead' ? ('dead-letter' as const) : error === 'later' ? ('3s' as const) : undefined
  }
  const set = triedWith({ route }, threw('later'), threw('x'), threw('dead'))
  await set.at(4_000)
  await set.at(9_000)
  await set.running
  await asked(set.retries).settle(delivery, set.answer.attempted!, persisting())
  expect(set.waits).toEqual([3_000, 5_000])
  expect(attempts).toEqual([1, 2, 3])
  expect(set.letters).toMatchObject([{ trail: { disposition: 'rejected', attempt: 3 } }])
})

test('expireAfter counts from the first failure, and what would block its entity is given up: a replay ends', async () => {
  const expiring = triedWith({ expireAfter: '500ms' }, threw('x'), threw('y'))
  await expiring.at(2_000)
  await expiring.running
  await asked(expiring.retries).settle(delivery, expiring.answer.attempted!, persisting())
  expect(expiring.letters).toMatchObject([{ trail: { disposition: 'expired', attempt: 2 } }])

  const blocking = triedWith({ onExhausted: 'block' }, threw('x'), threw('y'), threw('z'))
  await blocking.at(2_000)
  await blocking.at(7_000)
  await blocking.running
  await asked(blocking.retries).settle(delivery, blocking.answer.attempted!, persisting())
  expect(blocking.letters).toMatchObject([{ trail: { disposition: 'exhausted', attempt: 3 } }])
})
