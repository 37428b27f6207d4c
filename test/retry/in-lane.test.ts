import { expect, test } from 'vitest'
import type { Attempted, Delivery, Session } from '../../src/consume/admission.ts'
import { RetryLater } from '../../src/consume/outcome.ts'
import { type RetryOptions, retryPolicy } from '../../src/consume/retry-policy.ts'
import type { Letter } from '../../src/dlq/letter.ts'
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

/** One record, whose tries come to these in turn; each later one happens when it is due. */
async function triedWith(retry: RetryOptions, first: Attempted, ...later: readonly Attempted[]) {
  const clock = new ManualClock(1_000)
  const signals = new Signals()
  const letters: Letter[] = []
  const retries = new InLaneRetries({
    ladder: ladderOf('walk', ['1s', '5s']),
    retry: retryPolicy('walk', retry, 'key'),
    group: 'walk.replay-x',
    signals,
    clock,
    onLetter: async letter => void letters.push(letter),
  })
  const waits: number[] = []
  signals.on('replay.retried', ({ retryInMs }) => waits.push(retryInMs))
  const tries: { attempt: number; atMs: number; fingerprint: string | undefined }[] = []
  const begun = { delivery }
  const session: Session = {
    ...persisting(),
    again: async (one, next, timeMs) => {
      expect(one).toBe(begun)
      clock.advanceTo(timeMs)
      tries.push({ attempt: next.attempt, atMs: clock.now(), fingerprint: next.trail?.failure?.fingerprint })
      // As the session does.
      begun.delivery = next
      return later[tries.length - 1]!
    },
  }
  await retries.onAssigned([], session).settle(begun, first)
  return { retries, tries, waits, letters }
}

const tried = (...outcomes: readonly [Attempted, ...Attempted[]]) => triedWith({}, ...outcomes)

test('it is tried again after each delay of the ladder, and what it says of the last failure is true', async () => {
  const { tries, waits, retries, letters } = await tried(threw(new Error('one')), threw(new Error('two')), returned)
  expect(tries.map(({ attempt, atMs }) => [attempt, atMs])).toEqual([
    [2, 2_000],
    [3, 7_000],
  ])
  expect(waits).toEqual([1_000, 5_000])
  expect(tries.every(({ fingerprint }) => /^[0-9a-f]{12}$/.test(fingerprint!))).toBe(true)
  expect([letters, retries.counts]).toEqual([[], { handled: 1, retried: 2, skipped: 0, failed: 0, notDue: 0 }])
})

test('what is given up tells how often it was tried, and since when', async () => {
  const failures = ['one', 'two', 'three'].map(message => threw(new RangeError(message))) as [Attempted, Attempted, Attempted]
  const { letters, retries } = await tried(...failures)
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
  expect(retries.counts).toMatchObject({ failed: 1, retried: 2, handled: 0 })
})

test('RetryLater uses no attempt, and one for a time that has passed does not go round at once', async () => {
  const { tries, waits } = await tried(threw(new RetryLater('3s')), threw(new RetryLater(new Date(0))), returned)
  expect(tries.map(({ attempt }) => attempt)).toEqual([1, 1])
  expect(waits).toEqual([3_000, 50])
})

test('a route of the processor is asked once a try, and its waits are waited here', async () => {
  const attempts: number[] = []
  const route = (error: unknown, attempt: number) => {
    attempts.push(attempt)
    return error === 'dead' ? ('dead-letter' as const) : error === 'later' ? ('3s' as const) : undefined
  }
  const { waits, letters } = await triedWith({ route }, threw('later'), threw('x'), threw('dead'))
  expect(waits).toEqual([3_000, 5_000])
  expect(attempts).toEqual([1, 2, 3])
  expect(letters).toMatchObject([{ trail: { disposition: 'rejected', attempt: 3 } }])
})

test('expireAfter counts from the first failure, and what would block its entity is given up: a replay ends', async () => {
  const { letters: expired } = await triedWith({ expireAfter: '500ms' }, threw('x'), threw('y'))
  expect(expired).toMatchObject([{ trail: { disposition: 'expired', attempt: 2 } }])
  const { letters: exhausted } = await triedWith({ onExhausted: 'block' }, threw('x'), threw('y'), threw('z'))
  expect(exhausted).toMatchObject([{ trail: { disposition: 'exhausted', attempt: 3 } }])
})

test('while what is given up cannot be kept, it is not finished', async () => {
  const signals = new Signals()
  const failed: unknown[] = []
  signals.on('replay.failed', signal => failed.push(signal))
  const full = async () => Promise.reject(new Error('no space left'))
  const options = { ladder: ladderOf('walk', []), retry: retryPolicy('walk', {}, 'key'), group: 'g', signals, onLetter: full }
  const retries = new InLaneRetries(options)
  const reasons: string[] = []
  await expect(asked(retries).settle(delivery, threw('x'), persisting(reasons))).rejects.toThrow('no space left')
  expect([reasons, retries.counts.failed, failed]).toEqual([['produce', 'produce', 'produce'], 0, []])
})
