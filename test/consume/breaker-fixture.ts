import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import { Breaker, type Held } from '../../src/consume/breaker.ts'
import { type BreakerLimits, breakerSettings } from '../../src/consume/breaker-settings.ts'
import { Signals } from '../../src/observe/signals.ts'
import type { Failure } from '../../src/topic/trail.ts'
import { ManualClock } from '../manual-clock.ts'
import { recordOf, unexpected } from './loop-fixture.ts'

export const well: Attempted = { kind: 'returned', type: 'it.Thing', id: 'i', durationMs: 1 }
/** An error that says its fingerprint. */
export const threw = (fingerprint: string): Attempted => ({ kind: 'threw', type: 'it.Thing', id: 'i', error: fingerprint })
export const foreseen: Attempted = { kind: 'threw', type: 'it.Thing', id: 'i', error: '' }
export const undecodable: Attempted = { kind: 'undecodable', error: 'x' }

export function failureOf(fingerprint: string): Failure {
  return { class: 'Error', message: 'the handler says', stack: '', fingerprint }
}

/** `failedWith`: it is a copy from a tier, and this is what its trail says. */
export function deliveryOf(key: string, failedWith?: string): Delivery {
  const record = recordOf(failedWith === undefined ? 'it-src' : 'it-group.retry.1s', 0, key)
  const origin = { topic: 'it-src', partition: 0, offset: 0n, timestampMs: 1 }
  if (failedWith === undefined) return { record, origin, attempt: 1 }
  const trail = { origin, group: 'it-group', attempt: 1, hop: 1, redriveCount: 0, failure: failureOf(failedWith) }
  return { record, origin, trail, attempt: 2 }
}

export interface BreakerFixtureOptions extends BreakerLimits {
  readonly copiesReturnMs?: number
}

/** A breaker over an assignment that only takes down what it is told. */
export function breakerFixture({ copiesReturnMs = 60_000, ...limits }: BreakerFixtureOptions = {}) {
  const clock = new ManualClock(1_000_000)
  const signals = new Signals()
  const told: string[] = []
  signals.on('breaker.opened', ({ failure, failed, tried }) => told.push(`opened: ${failure.fingerprint}, ${failed} of ${tried}`))
  signals.on('breaker.probed', () => told.push('probed'))
  signals.on('breaker.closed', ({ reason }) => told.push(`closed: ${reason}`))
  const settings = breakerSettings('it', limits)!
  const breaker = new Breaker({ group: 'it-group', settings, unexpected, copiesReturnMs, signals, clock })
  const running = new Set<string>()
  const lanes = { isHeld: false, probes: 0, hasOne: true, endedSince: (): readonly string[] => [] }
  const held: Held = {
    running: () => running,
    endedSince: () => lanes.endedSince(),
    hold: () => {
      lanes.isHeld = true
    },
    release: () => {
      lanes.isHeld = false
    },
    probe: () => {
      lanes.probes++
      return lanes.hasOne
    },
  }
  breaker.enter(held, 1)
  /** One try from beginning to end. */
  const tries = (key: string, attempted: Attempted, failedWith?: string) => {
    const delivery = deliveryOf(key, failedWith)
    breaker.began(delivery)
    return attempted.kind === 'returned' && !breaker.isWatching
      ? 'settle'
      : breaker.judge({ delivery, attempted, beganMs: clock.now(), isProbe: false })
  }
  const probes = (key: string, attempted: Attempted) =>
    breaker.judge({ delivery: deliveryOf(key), attempted, beganMs: clock.now(), isProbe: true })
  const pass = (ms: number) => clock.advanceTo(clock.now() + ms)
  return { breaker, clock, signals, told, running, lanes, held, tries, probes, pass }
}

export function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n))
}
