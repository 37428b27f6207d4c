import { describe, expect, it } from 'vitest'
import { FreshShares } from '../../src/consume/fresh-shares.ts'
import { times } from './breaker-fixture.ts'

function sharesOf() {
  const shares = new FreshShares({ enough: 20, share: 0.5, rememberMs: 60_000 })
  const well = (count: number) => times(count, () => shares.wentWell())
  const failed = (count: number, nowMs = 0, fingerprint = 'x') => times(count, () => shares.failed(fingerprint, nowMs))
  return { shares, well, failed }
}

describe('an error is of some messages only', () => {
  it('when most others went well since it was first met, and enough have ended to say so', () => {
    const { shares, well, failed } = sharesOf()
    well(1_000)
    failed(1)
    expect(shares.isPartial('x', 0)).toBe(false)
    well(18)
    expect(shares.isPartial('x', 0)).toBe(false)
    well(1)
    expect(shares.isPartial('x', 0)).toBe(true)
    expect(shares.isPartial('y', 0)).toBe(false)
  })

  it('and not when half of them failed so', () => {
    const { shares, well, failed } = sharesOf()
    failed(50)
    well(50)
    expect(shares.isPartial('x', 0)).toBe(false)
    well(1)
    expect(shares.isPartial('x', 0)).toBe(true)
  })

  it('until all have failed so for a while: what is longer ago counts less', () => {
    const { shares, well, failed } = sharesOf()
    failed(10)
    well(90)
    expect(shares.isPartial('x', 0)).toBe(true)
    for (let second = 1; second < 120; second++) failed(1, second * 1_000)
    expect(shares.isPartial('x', 120_000)).toBe(false)
  })

  it('as long as its copies come back, however few new ones there are, and no longer', () => {
    const { shares, well, failed } = sharesOf()
    failed(5)
    well(50)
    expect(shares.isPartial('x', 0)).toBe(true)
    for (let minute = 1; minute <= 60; minute++) expect(shares.isPartial('x', minute * 60_000)).toBe(true)
    expect(shares.isPartial('x', 61 * 60_000 + 1)).toBe(false)
  })

  it('of the hundred errors that were met last', () => {
    const { shares, well, failed } = sharesOf()
    for (let n = 0; n < 101; n++) failed(1, 0, `error-${n}`)
    well(1_000)
    expect(times(101, n => shares.isPartial(`error-${n}`, 0)).filter(Boolean)).toHaveLength(100)
    expect(shares.isPartial('error-0', 0)).toBe(false)
  })
})
