import { describe, expect, it } from 'vitest'
import { breakerSettings } from '../../src/consume/breaker-settings.ts'
import { type BreakerLimits, consumer, on } from '../../src/index.ts'
import { breakerFixture, deliveryOf, foreseen, threw, times, undecodable, well } from './breaker-fixture.ts'
import { thing } from './loop-fixture.ts'

/** So many entities fail, and the breaker is open. */
function openedFixture(limits: BreakerLimits = {}) {
  const fixture = breakerFixture(limits)
  const { tries, told, breaker } = fixture
  const verdicts = times(20, n => tries(`e${n}`, threw('down')))
  expect(verdicts).toEqual([...times(19, () => 'settle'), 'hold'])
  expect(breaker.isOpen).toBe(true)
  told.length = 0
  return fixture
}

/** One entity failed some seconds ago, and all others went well until now. */
function afterAnEarlyFailure() {
  const fixture = breakerFixture()
  const { tries, pass } = fixture
  tries('early', threw('down'))
  for (let n = 0; n < 5_000; n++) {
    tries(`good-${n}`, well)
    pass(1)
  }
  pass(100)
  return fixture
}

describe('the breaker opens', () => {
  it('at the twentieth entity that fails so, and what fails from then on is held, whatever with', () => {
    const { tries, told, lanes, breaker } = breakerFixture()
    for (let n = 0; n < 19; n++) expect(tries(`e${n}`, threw('down'))).toBe('settle')
    expect([breaker.isOpen, lanes.isHeld]).toEqual([false, false])
    expect(tries('e19', threw('down'))).toBe('hold')
    expect([breaker.isOpen, lanes.isHeld]).toEqual([true, true])
    expect([tries('e20', threw('down')), tries('e21', threw('elsewhere'))]).toEqual(['hold', 'hold'])
    expect([tries('e22', well), tries('e23', foreseen), tries('e24', undecodable)]).toEqual(['settle', 'settle', 'settle'])
    expect(told).toEqual(['opened: down, 20 of 20'])
  })

  it('not for one entity, however often it fails', () => {
    const { tries, told } = breakerFixture()
    for (let n = 0; n < 1_000; n++) expect(tries('poison', threw('down'))).toBe('settle')
    expect(told).toEqual([])
  })

  it('not for nineteen of one fingerprint and any number of others', () => {
    const { tries, told } = breakerFixture()
    for (let n = 0; n < 500; n++) expect(tries(`e${n}`, threw(`error-${n % 26}`))).toBe('settle')
    expect(told).toEqual([])
  })

  it('not when they take longer than the window', () => {
    const { tries, told, pass } = breakerFixture()
    for (let n = 0; n < 500; n++) {
      tries(`e${n}`, threw('down'))
      pass(10_000 / 19)
    }
    expect(told).toEqual([])
    for (let n = 0; n < 20; n++) {
      tries(`f${n}`, threw('down'))
      pass(10_000 / 21)
    }
    expect(told).toHaveLength(1)
  })

  it('from half of what was tried since the first such failure, and not below', () => {
    for (const [good, opens] of [
      [20, true],
      [21, false],
    ] as const) {
      const { tries, told } = breakerFixture()
      for (let n = 0; n < 1_000; n++) tries(`before-${n}`, well)
      tries('e0', threw('down'))
      for (let n = 0; n < good; n++) tries(`good-${n}`, well)
      for (let n = 1; n < 20; n++) tries(`e${n}`, threw('down'))
      expect(told.length > 0).toBe(opens)
    }
  })

  it('from half of what was tried, those that have not ended included', () => {
    const { tries, told, running } = breakerFixture()
    for (let n = 0; n < 100; n++) running.add(`it-src/0 slow-${n}`)
    for (let n = 0; n < 99; n++) tries(`e${n}`, threw('down'))
    expect(told).toEqual([])
    tries('e99', threw('down'))
    expect(told).toEqual(['opened: down, 100 of 200'])
  })

  it('from half of what was tried, those included that began and ended while the first one that failed was running', () => {
    const { tries, told, lanes } = breakerFixture()
    lanes.endedSince = () => times(60, n => `it-src/0 quick-${n}`)
    for (let n = 0; n < 59; n++) tries(`e${n}`, threw('down'))
    expect(told).toEqual([])
    tries('e59', threw('down'))
    expect(told).toEqual(['opened: down, 60 of 120'])
  })

  it('whatever never reached a handler in between', () => {
    const { tries, told } = breakerFixture()
    tries('e0', threw('down'))
    for (let n = 0; n < 100; n++) tries(`bytes-${n}`, undecodable)
    for (let n = 1; n < 20; n++) tries(`e${n}`, threw('down'))
    expect(told).toEqual(['opened: down, 20 of 20'])
  })

  it('not for an entity that has gone well since', () => {
    const { tries, told } = breakerFixture()
    for (let n = 0; n < 100; n++) {
      tries(`e${n}`, threw('down'))
      tries(`e${n}`, well)
    }
    expect(told).toEqual([])
  })

  it.each([
    ['DeadLetter, Skip or RetryLater', foreseen],
    ['what cannot be decoded', undecodable],
  ])('not for %s, which say nothing either way', (_, attempted) => {
    const { tries, told, breaker } = breakerFixture()
    for (let n = 0; n < 100; n++) expect(tries(`e${n}`, attempted)).toBe('settle')
    expect(breaker.isWatching).toBe(false)
    for (let n = 0; n < 20; n++) tries(`f${n}`, threw('down'))
    expect(told).toHaveLength(1)
  })

  it('though another entity fails all the time with another error', () => {
    const { tries, told, pass } = breakerFixture()
    for (let n = 0; n < 5_000; n++) {
      if (n % 500 === 0) tries('poison', threw('bug'))
      tries(`good-${n}`, well)
      pass(1)
    }
    for (let n = 0; n < 200 && told.length === 0; n++) tries(`e${n}`, threw('down'))
    // What went well in the same hundredth of the window counts too.
    expect(told).toEqual([expect.stringMatching(/^opened: down, \d\d\d? of/)])
  })

  it('though one failed so some seconds ago, and all others went well until now', () => {
    const { tries, told } = afterAnEarlyFailure()
    for (let n = 0; n < 200 && told.length === 0; n++) tries(`e${n}`, threw('down'))
    expect(told).toEqual(['opened: down, 40 of 40'])
  })

  it('not for some that failed all of a sudden among others that did not', () => {
    const { tries, told } = afterAnEarlyFailure()
    for (let n = 0; n < 400; n++) tries(`e${n}`, n % 8 === 0 ? well : threw('down'))
    expect(told).toEqual([])
  })

  it('with the numbers that it is given', () => {
    const { tries, told, pass } = breakerFixture({ entities: 3, share: 1, window: '1s' })
    tries('e0', threw('down'))
    pass(1_001)
    tries('e1', threw('down'))
    tries('good', well)
    tries('e2', threw('down'))
    tries('e3', threw('down'))
    expect(told).toEqual([])
    pass(1_001)
    for (let n = 4; n < 7; n++) tries(`e${n}`, threw('down'))
    expect(told).toEqual(['opened: down, 3 of 3'])
  })
})

describe('while nothing fails', () => {
  it('it follows nothing, and again from a window after the last failure', () => {
    const { breaker, tries, pass } = breakerFixture()
    tries('good', well)
    expect(breaker.isWatching).toBe(false)
    tries('e', threw('down'))
    expect(breaker.isWatching).toBe(true)
    pass(9_000)
    tries('good', well)
    expect(breaker.isWatching).toBe(true)
    pass(1_100)
    tries('good', well)
    expect(breaker.isWatching).toBe(false)
  })
})

describe('an open breaker', () => {
  it('tries one record every five seconds, and the next one only when that has ended', () => {
    const { lanes, probes, pass, told } = openedFixture()
    pass(4_999)
    expect(lanes.probes).toBe(0)
    pass(1)
    expect(lanes.probes).toBe(1)
    pass(7_000)
    expect(lanes.probes).toBe(1)
    expect(probes('e1', threw('down'))).toBe('hold')
    pass(0)
    expect(lanes.probes).toBe(2)
    expect(probes('e2', threw('down'))).toBe('hold')
    pass(4_999)
    expect(lanes.probes).toBe(2)
    expect(told).toEqual(['probed', 'probed'])
  })

  it('asks again when there was nothing to try', () => {
    const { lanes, pass } = openedFixture({ probeEvery: '1s' })
    lanes.hasOne = false
    pass(3_000)
    expect(lanes.probes).toBe(3)
  })

  it.each([
    ['success', well],
    ['other-error', foreseen],
    ['other-error', threw('a bug')],
  ])('closes by %s', (reason, attempted) => {
    const { lanes, probes, pass, told, breaker } = openedFixture()
    pass(5_000)
    expect(probes('e1', attempted)).toBe('settle')
    expect([breaker.isOpen, lanes.isHeld]).toEqual([false, false])
    expect(told).toEqual([`closed: ${reason}`])
    pass(60_000)
    expect(lanes.probes).toBe(1)
  })

  it('does not close by a probe that never reached the handler, and tries another at once', () => {
    const { lanes, probes, pass, breaker } = openedFixture()
    pass(5_000)
    expect(probes('e1', undecodable)).toBe('settle')
    expect(breaker.isOpen).toBe(true)
    pass(0)
    expect(lanes.probes).toBe(2)
  })

  it('does not close by what had begun before', () => {
    const { tries, breaker } = openedFixture()
    for (let n = 0; n < 100; n++) expect(tries(`slow-${n}`, well)).toBe('settle')
    expect(breaker.isOpen).toBe(true)
  })

  it('goes on with the next record when a probe will not be answered soon', () => {
    const { lanes, breaker, pass } = openedFixture()
    pass(5_000)
    breaker.probeLost()
    pass(5_000)
    expect(lanes.probes).toBe(2)
  })

  it('begins from nothing when it closes', () => {
    const { probes, pass, tries, breaker } = openedFixture()
    pass(5_000)
    probes('e1', well)
    for (let n = 0; n < 19; n++) expect(tries(`e${n}`, threw('down'))).toBe('settle')
    expect(tries('e19', threw('down'))).toBe('hold')
    expect(breaker.isOpen).toBe(true)
  })
})

describe('a rebalance', () => {
  it('leaves it open: the next assignment begins held, and the probes go on', () => {
    const { breaker, held, lanes, pass, told } = openedFixture()
    breaker.leave(held)
    pass(60_000)
    expect(lanes.probes).toBe(0)
    lanes.isHeld = false
    breaker.enter(held, 3)
    expect(lanes.isHeld).toBe(true)
    pass(0)
    expect([lanes.probes, told]).toEqual([1, []])
  })

  it('closes it where no partition is left to find out by', () => {
    const { breaker, held, told } = openedFixture()
    breaker.leave(held)
    breaker.enter(held, 0)
    expect([breaker.isOpen, told]).toEqual([false, ['closed: unassigned']])
  })

  it('forgets what was tried before, of which nothing may be heard any more', () => {
    const { breaker, held, tries, told } = breakerFixture()
    for (let n = 0; n < 50; n++) breaker.began(deliveryOf(`lost-${n}`))
    for (let n = 0; n < 19; n++) tries(`e${n}`, threw('down'))
    for (let n = 0; n < 50; n++) breaker.began(deliveryOf(`lost-${n}`))
    breaker.leave(held)
    breaker.enter(held, 1)
    for (let n = 0; n < 20; n++) tries(`f${n}`, threw('down'))
    expect(told).toEqual(['opened: down, 20 of 20'])
  })
})

describe('the settings', () => {
  const of = (breaker?: false | BreakerLimits) =>
    consumer('it-b', [on(thing, () => {})], breaker === undefined ? {} : { breaker })

  it('have defaults, and can be none', () => {
    expect(of().breaker).toEqual({ windowMs: 10_000, entities: 20, share: 0.5, probeEveryMs: 5_000 })
    expect(of({ entities: 5, window: '1m' }).breaker).toMatchObject({ windowMs: 60_000, entities: 5, share: 0.5 })
    expect(of(false).breaker).toBeUndefined()
  })

  it.each([
    ['window', { window: '0s' }],
    ['probeEvery', { probeEvery: '0s' }],
    ['entities', { entities: 1 }],
    ['entities', { entities: 2.5 }],
    ['share', { share: 0 }],
    ['share', { share: 1.1 }],
    ['share', { share: Number.NaN }],
  ] as const)('refuse a %s that cannot work: %j', (name, breaker) => {
    expect(() => breakerSettings("consumer 'c'", breaker)).toThrow(
      expect.objectContaining({
        code: 'E_DEFINITION',
        message: expect.stringContaining(`consumer 'c': breaker.${name} must be`),
      }),
    )
  })
})
