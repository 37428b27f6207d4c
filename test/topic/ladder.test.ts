import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Duration } from '../../src/message/duration.ts'
import { ladderOf, tierAfter, tierWithin } from '../../src/topic/ladder.ts'

const refused = expect.objectContaining({ code: 'E_DEFINITION' })

describe('a ladder', () => {
  test('has 1s, 5s, 30s and 5m by default', () => {
    expect(ladderOf('g').tiers.map(({ topic }) => topic)).toEqual(['g.retry.1s', 'g.retry.5s', 'g.retry.30s', 'g.retry.5m'])
  })

  test('names a delay in one way, however it is written', () => {
    expect(ladderOf('g', ['60s', '5400s']).tiers).toEqual([
      { delayMs: 60_000, topic: 'g.retry.1m' },
      { delayMs: 5_400_000, topic: 'g.retry.90m' },
    ])
  })

  test.each([[['5s', '1s']], [['60s', '1m']], [['0s']]])('refuses %j', delays => {
    expect(() => ladderOf('g', delays as Duration[])).toThrow(refused)
  })

  test('ends after its last tier', () => {
    const ladder = ladderOf('g', ['1s', '5s'])
    expect([1, 2, 3].map(attempt => tierAfter(ladder, attempt)?.topic)).toEqual(['g.retry.1s', 'g.retry.5s', undefined])
    expect(tierAfter(ladderOf('g', []), 1)).toBeUndefined()
  })
})

describe('a long wait', () => {
  test('goes through the longest tier that fits', () => {
    const ladder = ladderOf('g', ['1s', '1m'])
    expect(tierWithin(ladder, 3_600_000).topic).toBe('g.retry.1m')
    expect(tierWithin(ladder, 59_999).topic).toBe('g.retry.1s')
    expect(tierWithin(ladder, 10).topic).toBe('g.retry.1s')
    expect(tierWithin(ladderOf('g', []), 3_600_000).topic).toBe('g.retry.5m')
  })

  test('never waits in a tier for longer than what is left, unless all tiers are longer', () => {
    const ladder = ladderOf('g', ['1s', '5s', '30s', '5m'])
    fc.assert(fc.property(fc.integer({ min: 1_000, max: 1e9 }), wait => tierWithin(ladder, wait).delayMs <= wait))
  })
})
