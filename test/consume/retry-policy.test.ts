import { describe, expect, it } from 'vitest'
import { type RetryOptions, retryPolicy } from '../../src/consume/retry-policy.ts'

describe('the policy of a processor', () => {
  it('expires nothing and goes on after an exhausted message, unless it is told otherwise', () => {
    expect(retryPolicy('it', {}, 'key')).toEqual({
      route: undefined,
      expireAfterMs: Number.POSITIVE_INFINITY,
      onExhausted: 'continue',
    })
    const route = () => 'skip' as const
    const told = retryPolicy('it', { route, expireAfter: '90m', onExhausted: 'block' }, 'key')
    expect(told).toEqual({ route, expireAfterMs: 5_400_000, onExhausted: 'block' })
    expect(Object.isFrozen(told)).toBe(true)
  })

  it.each<[string, RetryOptions, 'key' | 'none', RegExp]>([
    ['blocks without an order', { onExhausted: 'block' }, 'none', /^it: .*needs order: 'key'/],
    ['expires at once', { expireAfter: '0s' }, 'key', /^it: .*longer than 0/],
    ['expires after no duration', { expireAfter: 'soon' as '1s' }, 'key', /'soon' is not a duration/],
  ])('is refused when it %s', (_, options, order, reason) => {
    expect(() => retryPolicy('it', options, order)).toThrow(reason)
    expect(() => retryPolicy('it', options, order)).toThrow(expect.objectContaining({ code: 'E_DEFINITION' }))
  })
})
