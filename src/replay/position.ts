/** Where a range of records begins or ends, in one language for the command line and for code. */
import { UsageError } from '../errors.ts'
import { parseTime } from '../message/time.ts'

/**
 * `start`, `end`, an offset (`17`), one relative to what the group has committed (`+100`, `-100`), or a time (`@2026-11-22T10:00Z`,
 * `@-15m`, `@now`, or `@` and seconds or milliseconds since 1970).
 */
export type PositionText = 'start' | 'end' | `${number}` | `+${number}` | `-${number}` | `@${string}`

/** The same in every partition. */
export type Position =
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'committed'; readonly plus: bigint }
  | { readonly kind: 'time'; readonly timeMs: number }

/** As it can be read again, at any time: what was relative to now no longer is. */
export function positionText(position: Position): string {
  switch (position.kind) {
    case 'offset':
      return String(position.offset)
    case 'committed':
      return position.plus < 0n ? String(position.plus) : `+${position.plus}`
    case 'time':
      return `@${new Date(position.timeMs).toISOString()}`
    default:
      return position.kind
  }
}

const written =
  'write start, end, an offset, +N or -N from what the group has committed, or a time such as @2026-11-22T10:00Z or @-15m'

/** Throws UsageError (E_USAGE). `what` names the position in the error; `nowMs` is what relative times count from. */
export function parsePosition(what: string, text: string, nowMs: number): Position {
  if (text === 'start' || text === 'end') return { kind: text }
  if (/^\d{1,18}$/.test(text)) return { kind: 'offset', offset: BigInt(text) }
  if (/^[+-]\d{1,18}$/.test(text)) return { kind: 'committed', plus: BigInt(text.replace('+', '')) }
  if (!text.startsWith('@')) throw new UsageError(`${what}: '${text}' is no position: ${written}`)
  const time = parseTime(text, nowMs)
  if (typeof time === 'number') return { kind: 'time', timeMs: time }
  throw new UsageError(`${what}: ${time.problem}`)
}
