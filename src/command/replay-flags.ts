/** What is asked on the command line of `spillway replay`. */
import { UsageError } from '../errors.ts'
import type { PositionText } from '../replay/position.ts'
import { checkRequest, type ReplayRequest } from '../replay/request.ts'
import { printable } from './printable.ts'
import { keyBytes } from './where.ts'

export interface ReplayFlags {
  readonly from?: PositionText
  readonly to?: PositionText
  readonly topic?: readonly string[]
  readonly key?: string
  readonly rate?: string
  readonly effects?: 'suppress' | 'allow'
  readonly file?: string
  readonly resume?: string
  readonly live?: true
  readonly execute?: true
}

/** What the flags say. */
export interface Asked {
  readonly flags: ReplayFlags
  readonly request: ReplayRequest
  readonly ratePerSecond: number | undefined
}

/** What is wrong with the command line is said before a broker is looked for. Throws UsageError (E_USAGE). */
export function readFlags(flags: ReplayFlags): Asked {
  const { from, to, topic, key, rate, effects, file, resume, live } = flags
  if (live && [to, key, rate, effects, file, resume].some(one => one !== undefined))
    throw new UsageError('--live moves offsets and replays nothing itself: it goes with --from and --topic alone')
  const request = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(topic !== undefined && { topics: topic }),
    ...(key !== undefined && { key: parseKey(key) }),
    ...(resume !== undefined && { resume }),
  }
  checkRequest(request)
  return { flags, request, ratePerSecond: rate === undefined ? undefined : parseRate(rate) }
}

function parseKey(key: string): Buffer {
  const bytes = keyBytes(key)
  if (bytes === undefined) throw new UsageError('behind --key hex: stand pairs of hex digits, such as hex:00ff')
  return bytes
}

function parseRate(rate: string): number {
  const match = /^([1-9]\d{0,8})(?:\/s)?$/.exec(rate)
  if (!match) throw new UsageError(`--rate must be a whole number of records a second, such as 500/s, not '${printable(rate)}'`)
  return Number(match[1])
}
