import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/consume/admission.ts'
import { RetryLater } from '../../src/consume/outcome.ts'
import { type RetryOptions, retryPolicy } from '../../src/consume/retry-policy.ts'
import { UnknownSchemaId } from '../../src/errors.ts'
import { classify } from '../../src/retry/classify.ts'
import { stepAfter } from '../../src/retry/route.ts'
import { ladderOf } from '../../src/topic/ladder.ts'

const nowMs = 1_000_000
const thrown = new TypeError('x is not a function')

interface Given {
  readonly retry?: RetryOptions
  readonly error?: unknown
  readonly attempt?: number
  readonly firstFailedAtMs?: number
}

function stepOf({ retry = {}, error = thrown, attempt = 1, firstFailedAtMs }: Given = {}) {
  const { tiers = ['1s', '5s', '1m'] } = retry
  const origin = { topic: 'orders', partition: 3, offset: 17n, timestampMs: 5 }
  const record = { ...origin, key: null, value: null, headers: [] }
  const trail = { origin, group: 'g', attempt: attempt - 1, hop: 1, redriveCount: 0, firstFailedAtMs: firstFailedAtMs! }
  const delivery: Delivery = { record, origin, attempt, ...(firstFailedAtMs !== undefined && { trail }) }
  const bad: unknown[] = []
  const attempted = { kind: 'threw', type: 'T', id: 'i', error } as const
  const step = stepAfter({
    attempted,
    outcome: classify(attempted),
    delivery,
    ladder: ladderOf('g', tiers),
    retry: retryPolicy('g', retry, 'key'),
    nowMs,
    onBadRoute: one => bad.push(one),
  })
  // A function of a fresh error: its stack says nothing here.
  if ('failure' in step) expect(step.failure.class).toBe((error as Error).name)
  return { step, bad }
}

const tier = (delay: string) => ({ topic: `g.retry.${delay}` })
const route = (answer: unknown) => ({ route: () => answer as ReturnType<NonNullable<RetryOptions['route']>> })

describe('the step after a failed try', () => {
  it.each([1, 2, 3])('is the next tier after try %i', attempt => {
    const next = tier(['1s', '5s', '1m'][attempt - 1]!)
    expect(stepOf({ attempt }).step).toMatchObject({ kind: 'retry', tier: next, blocked: false })
  })

  it('is the DLQ when no tier is left, and the last tier again where exhausted entities are blocked', () => {
    expect(stepOf({ attempt: 4 }).step).toMatchObject({ kind: 'bury', disposition: 'exhausted' })
    const retry = { onExhausted: 'block' } as const
    for (const attempt of [4, 5, 40])
      expect(stepOf({ attempt, retry }).step).toMatchObject({ kind: 'retry', tier: tier('1m'), blocked: true })
    expect(stepOf({ attempt: 3, retry }).step).toMatchObject({ kind: 'retry', tier: tier('1m'), blocked: false })
    // Without tiers it waits as long as a wait can be in one.
    expect(stepOf({ retry: { ...retry, tiers: [] } }).step).toMatchObject({ kind: 'retry', tier: tier('5m'), blocked: true })
  })

  it('is the DLQ from the time on at which the message expires, whatever else would come', () => {
    const options: RetryOptions[] = [{}, { onExhausted: 'block' }, { route: () => '5s' }, { route: () => new Date(nowMs + 9) }]
    for (const more of options) {
      const retry = { ...more, expireAfter: '10s' } as const
      expect(stepOf({ retry, attempt: 2, firstFailedAtMs: nowMs - 9_999 }).step).toMatchObject({ kind: 'retry' })
      expect(stepOf({ retry, attempt: 2, firstFailedAtMs: nowMs - 10_000 }).step).toMatchObject({
        kind: 'bury',
        disposition: 'expired',
      })
      // Its first try.
      expect(stepOf({ retry }).step).toMatchObject({ kind: 'retry' })
    }
    const [retry, error] = [{ expireAfter: '10s' } as const, new RetryLater('1s')]
    expect(stepOf({ retry, error, firstFailedAtMs: nowMs - 9_999 }).step).toMatchObject({ kind: 'later', untilMs: nowMs + 1_000 })
    expect(stepOf({ retry, error, firstFailedAtMs: nowMs - 10_000 }).step).toMatchObject({ kind: 'bury', disposition: 'expired' })
  })
})

describe('a route', () => {
  it('is asked with what was thrown and the number of tries, after the last tier too', () => {
    const asked: unknown[][] = []
    const retry: RetryOptions = { route: (...about) => void asked.push(about) as undefined }
    for (const attempt of [1, 4]) stepOf({ retry, attempt })
    expect(asked).toEqual([
      [thrown, 1],
      [thrown, 4],
    ])
    expect(asked[0]![0]).toBe(thrown)
  })

  it.each([
    ['a tier', '5s', { kind: 'retry', tier: tier('5s'), blocked: false }],
    ['a tier by another name', '60s', { kind: 'retry', tier: tier('1m'), blocked: false }],
    ['a wait between tiers', '7s', { kind: 'retry', tier: tier('5s'), untilMs: nowMs + 7_000 }],
    ['a wait shorter than every tier', '10ms', { kind: 'retry', tier: tier('1s'), untilMs: nowMs + 10 }],
    ['no wait', '0s', { kind: 'retry', tier: tier('1s'), untilMs: nowMs + 10 }],
    ['a wait longer than every tier', '1h', { kind: 'retry', tier: tier('1m'), untilMs: nowMs + 3_600_000 }],
    ['a time', new Date(nowMs + 6_000), { kind: 'retry', tier: tier('5s'), untilMs: nowMs + 6_000 }],
    ['a time that has passed', new Date(nowMs - 5), { kind: 'retry', tier: tier('1s'), untilMs: nowMs + 10 }],
    ['the DLQ', 'dead-letter', { kind: 'bury', disposition: 'rejected' }],
    ['nothing', 'skip', { kind: 'skip', reason: 'requested', detail: thrown.message }],
    ['the ladder', undefined, { kind: 'retry', tier: tier('1s'), blocked: false }],
  ])('may name %s', (_, answer, expected) => {
    const { step, bad } = stepOf({ retry: route(answer) })
    expect(step).toMatchObject(expected)
    if (step.kind === 'retry' && !('untilMs' in expected)) expect(step.untilMs).toBeUndefined()
    expect(bad).toEqual([])
  })

  it.each([['soon'], ['5'], [5_000], [null], [{}], [''], [new Date(Number.NaN)], [Promise.resolve('1s')]])(
    'that answers %s is told of and leaves it to the ladder',
    answer => {
      for (const attempt of [1, 4]) {
        const { step, bad } = stepOf({ retry: route(answer), attempt })
        expect(step).toMatchObject(
          attempt === 1 ? { kind: 'retry', tier: tier('1s') } : { kind: 'bury', disposition: 'exhausted' },
        )
        expect(bad).toMatchObject([{ code: 'E_DEFINITION' }])
      }
    },
  )

  it('that throws is told of and leaves it to the ladder', () => {
    const oops = new Error('a bug of the route')
    const { step, bad } = stepOf({
      retry: {
        route: () => {
          throw oops
        },
      },
    })
    expect(step).toMatchObject({ kind: 'retry', tier: tier('1s') })
    expect(bad).toEqual([oops])
  })

  it('is not asked about what the handler has answered itself, nor about what it never saw', () => {
    const retry = {
      route: () => {
        throw new Error('asked')
      },
    }
    expect(stepOf({ retry, error: new RetryLater('2s') })).toMatchObject({ step: { kind: 'later' }, bad: [] })
    expect(stepOf({ retry, error: new UnknownSchemaId('no schema 7') })).toMatchObject({ step: { kind: 'retry' }, bad: [] })
  })
})
