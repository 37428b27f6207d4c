import { DefinitionError } from '../errors.ts'
import { type Duration, durationMs } from '../message/duration.ts'

/** When the breaker of a group opens, and how it finds out whether it may close. */
export interface BreakerLimits {
  /** How far back it looks. Default 10s. */
  readonly window?: Duration
  /** Different entities that must have failed with one error. 2 or more; default 20. */
  readonly entities?: number
  /** What part of all entities that were tried they must be. Above 0, at most 1; default 0.5. */
  readonly share?: number
  /** While it is open, one record is tried this often. Default 5s. */
  readonly probeEvery?: Duration
}

export interface BreakerSettings {
  readonly windowMs: number
  readonly entities: number
  readonly share: number
  readonly probeEveryMs: number
}

/** Defaults filled in; undefined when there is to be none. Throws DefinitionError (E_DEFINITION). */
export function breakerSettings(what: string, given: false | BreakerLimits = {}): BreakerSettings | undefined {
  if (given === false) return undefined
  const { window = '10s', entities = 20, share = 0.5, probeEvery = '5s' } = given
  const windowMs = durationMs(window)
  const probeEveryMs = durationMs(probeEvery)
  const wrong = (name: string, wanted: string, found: unknown): DefinitionError =>
    new DefinitionError(`${what}: breaker.${name} must be ${wanted}, not ${found}`)
  // Shorter ones cannot be told apart by timers.
  if (windowMs < 100) throw wrong('window', '100ms or longer', window)
  if (probeEveryMs < 10) throw wrong('probeEvery', '10ms or longer', probeEvery)
  if (!Number.isInteger(entities) || entities < 2) throw wrong('entities', 'a whole number of 2 or more', entities)
  if (!(share > 0 && share <= 1)) throw wrong('share', 'above 0 and at most 1', share)
  return Object.freeze({ windowMs, entities, share, probeEveryMs })
}
