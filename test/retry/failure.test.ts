import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/retry/failure.ts'

const at = (message: string, frame: string) => Object.assign(new Error(message), { stack: `Error: ${message}\n    at ${frame}` })

describe('the fingerprint of a failure', () => {
  it('is equal for one bug: numbers, ids, quoted text, lines and folders do not count', () => {
    const one = at(`order 536365 of "17850" (3f2504e0-4f89-11d3-9a0c-0305e82c3301) refused`, 'charge (/srv/a/billing.ts:10:3)')
    const other = at(`order 7 of "abc" (0b0e7c3a-4f89-11d3-9a0c-0305e82c3999) refused`, 'charge (/home/b/billing.ts:99:7)')
    expect(failureOf(one).fingerprint).toBe(failureOf(other).fingerprint)
  })

  it('differs by class, by words and by place', () => {
    const prints = [
      at('refused', 'charge (/a/billing.ts:1:1)'),
      at('timed out', 'charge (/a/billing.ts:1:1)'),
      at('refused', 'refund (/a/billing.ts:1:1)'),
      Object.assign(at('refused', 'charge (/a/billing.ts:1:1)'), { name: 'BankError' }),
    ].map(error => failureOf(error).fingerprint)
    expect(new Set(prints).size).toBe(4)
  })
})
