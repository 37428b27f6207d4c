/** What is asked of a replay, as it is written in code or on a command line. */
import { UsageError } from '../errors.ts'
import { type Position, type PositionText, parsePosition } from './position.ts'

export interface ReplayRequest {
  /** Where it begins, in every partition. A new replay needs it. */
  readonly from?: PositionText
  /** Where it ends, not included. Default `end`, as it is when it begins. */
  readonly to?: PositionText
  /** Of the consumer's topics; default all. */
  readonly topics?: readonly string[]
  /** Only records with this key. */
  readonly key?: string | Buffer
  /** The id of one that was interrupted: it goes on with the range that it began with, and needs its key again. */
  readonly resume?: string
}

/** Throws UsageError (E_USAGE), before a broker is asked anything. */
export function checkRequest(request: ReplayRequest): void {
  const { from, to, topics, resume } = request
  if (resume === undefined) parseRange(request, Date.now())
  else if (from !== undefined || to !== undefined || (topics ?? []).length > 0)
    throw new UsageError('a replay goes on with the range that it began with: leave from, to and topics out')
  else checkId(resume)
}

export function checkId(id: string): void {
  if (!/^[\w-]{1,40}$/.test(id))
    throw new UsageError(`'${id}' is no id of a replay: it is told when one begins, such as 1f9c03ab`)
}

/** Throws UsageError (E_USAGE). `nowMs`: what relative times count from. */
export function parseRange({ from, to = 'end' }: ReplayRequest, nowMs: number): { from: Position; to: Position } {
  if (from === undefined)
    throw new UsageError('say where it begins, such as start, -1000 or @2026-11-22T10:00Z, or which replay it goes on with')
  return { from: parsePosition('from', from, nowMs), to: parsePosition('to', to, nowMs) }
}

export function keyOf({ key }: ReplayRequest): Buffer | undefined {
  return typeof key === 'string' ? Buffer.from(key) : key
}
