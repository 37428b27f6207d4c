import { DefinitionError } from '../errors.ts'

/** A length of time as people write it: `250ms`, `30s`, `15m`, `2h`, `7d`. One number, one unit. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A hundred years: a sum with the time of day stays a date that JavaScript has. */
const longestMs = 36_525 * unitMs.d

/** Milliseconds of a duration. Throws DefinitionError (E_DEFINITION) for anything that is not one, is negative, or is over 100 years. */
export function durationMs(duration: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration)
  if (!match)
    throw new DefinitionError(
      `'${duration}' is not a duration: write a number and one of ms, s, m, h, d, such as 250ms, 30s or 15m`,
    )
  const ms = Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs])
  if (ms > longestMs) throw new DefinitionError(`'${duration}' is longer than ${longestMs / unitMs.d} days`)
  return ms
}

/** The shortest exact way to write `ms`, so that one delay always has one topic name: 60000 is `1m`, 90000 is `90s`. */
export function formatDuration(ms: number): Duration {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}
