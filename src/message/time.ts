/** Points in time as people write them on the command line. */
import { durationMs } from './duration.ts'

const written = 'such as @2026-11-22T10:00Z, @-15m, @1764756000 or @now'

/**
 * `@2026-11-22T10:00Z` (seconds and their fractions may follow; Z or an offset such as +01:00 must), `@-15m` before now, seconds
 * (10 digits) or milliseconds (13) since 1970, `@now`. Milliseconds since 1970, or what is wrong with it.
 */
export function parseTime(text: string, nowMs: number): number | { readonly problem: string } {
  if (!text.startsWith('@')) return { problem: `'${text}' is no time: times begin with @, ${written}` }
  const time = text.slice(1)
  if (time === 'now') return nowMs
  if (/^\d{10}$/.test(time)) return Number(time) * 1_000
  if (/^\d{13}$/.test(time)) return Number(time)
  if (time.startsWith('-'))
    return before(time.slice(1), nowMs) ?? { problem: `'${text}' is no time: write a unit, such as @-15m` }
  return dateMs(time) ?? { problem: dateProblem(text) }
}

function before(duration: string, nowMs: number): number | undefined {
  try {
    return nowMs - durationMs(duration)
  } catch {
    return undefined
  }
}

const date = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/

function dateMs(text: string): number | undefined {
  const day = date.exec(text)?.[1]
  // Date.parse takes February 30th for March 2nd.
  if (day === undefined || Number.isNaN(Date.parse(day)) || new Date(day).toISOString().slice(0, 10) !== day) return undefined
  return Date.parse(text)
}

function dateProblem(text: string): string {
  const zoneless = /^@\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/.test(text)
  if (!zoneless) return `'${text}' is no time: write it ${written}`
  return `'${text}' does not say its time zone: write ${text.includes('T') ? `${text}Z` : `${text}T00:00Z`}, or an offset such as +01:00`
}
