import { DeadLetter, RetryLater, Skip } from 'spillway'
import { expect, it } from 'vitest'
import type { Attempted } from '../../src/consume/admission.ts'
import type { Route } from '../../src/consume/retry-policy.ts'
import { HandlerTimeout, RegistryUnavailable, Undecodable } from '../../src/errors.ts'
import { unexpectedBy } from '../../src/retry/unexpected.ts'

const unexpected = (attempted: Attempted) => unexpectedBy({ route: undefined })(attempted, 1)
const threw = (error: unknown, type = 'it.Thing'): Attempted => ({ kind: 'threw', type, id: 'i', error })

it.each([
  ['an error', new Error('no connection')],
  ['a TypeError', new TypeError('x is not a function')],
  ['something that is no error', undefined],
  ['a deadline that has passed', new HandlerTimeout(30_000)],
])('%s that a handler threw counts, by its fingerprint', (_, error) => {
  expect(unexpected(threw(error))?.fingerprint).toMatch(/^[0-9a-f]{12}$/)
})

it.each<[string, Attempted]>([
  ['DeadLetter', threw(new DeadLetter('never'))],
  ['Skip', threw(new Skip())],
  ['RetryLater', threw(new RetryLater('1s'))],
  ['what could not be decoded', { kind: 'undecodable', error: new Undecodable('no') }],
  ['what was refused', { kind: 'refused', error: new Error('no') }],
  ['a registry that the decoder did not reach', threw(new RegistryUnavailable('away'), '')],
  ['a type without a handler', { kind: 'unhandled', type: 't', id: 'i', deadLetter: true }],
  ['success', { kind: 'returned', type: 't', id: 'i', durationMs: 1 }],
])('%s does not', (_, attempted) => {
  expect(unexpected(attempted)).toBeUndefined()
})

it('nor does what a route ends, and all else that it says or does makes no difference', () => {
  const routes: [Route | 'throws', boolean][] = [
    ['skip', false],
    ['dead-letter', false],
    ['5m', true],
    [new Date(), true],
    [undefined, true],
    ['throws', true],
  ]
  for (const [answer, counts] of routes) {
    const asked: unknown[] = []
    const error = new Error('no connection')
    const route = (...about: unknown[]): Route => {
      asked.push(about)
      if (answer === 'throws') throw new Error('a bug')
      return answer
    }
    expect(unexpectedBy({ route })(threw(error), 3) !== undefined).toBe(counts)
    expect(asked).toEqual([[error, 3]])
    expect(unexpectedBy({ route })(threw(new DeadLetter('never')), 3)).toBeUndefined()
    expect(asked).toHaveLength(1)
  }
})
