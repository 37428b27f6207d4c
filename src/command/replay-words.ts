/** What `spillway replay` prints. */
import type { Estimate } from '../replay/estimate.ts'
import type { ReplayPlan } from '../replay/plan.ts'
import { type Position, positionText } from '../replay/position.ts'
import type { KeptReplayResult } from './kept-replay.ts'
import { printable } from './printable.ts'
import type { ReplayFlags } from './replay-flags.ts'
import { shellWord } from './where.ts'

export interface Speed {
  /** Asked for. */
  readonly ratePerSecond: number | undefined
  readonly concurrency: number
}

/** The least that it can take; undefined when nothing tells. */
export function leastSeconds({ records, readPerSecond }: Estimate, { ratePerSecond }: Speed): number | undefined {
  const perSecond = Math.min(ratePerSecond ?? Number.POSITIVE_INFINITY, readPerSecond ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(perSecond) ? Number(records) / perSecond : undefined
}

export function estimateLines({ group, partitions, key }: ReplayPlan, estimate: Estimate, speed: Speed): string[] {
  const { offsets, records, isWhole, sampledOffsets, sampledRecords } = estimate
  const which = key === undefined ? '' : ' with this key'
  if (partitions.length === 0 || offsets === 0n) return [`${group}: nothing to replay`]
  const many = `${isWhole ? '' : 'about '}${count(records)} records${which}`
  const why = isWhole
    ? 'counted'
    : `estimated from the first ${count(sampledOffsets)} offsets, which hold ${count(sampledRecords)} records`
  return [`${group}: ${many} to handle, at ${count(offsets)} offsets (${why})`, ...timeLines(estimate, speed)]
}

function timeLines(estimate: Estimate, speed: Speed): string[] {
  const seconds = leastSeconds(estimate, speed)
  const { ratePerSecond, concurrency } = speed
  const { readPerSecond, records } = estimate
  const isPaced = ratePerSecond !== undefined && ratePerSecond <= (readPerSecond ?? Number.POSITIVE_INFINITY)
  const basis = isPaced ? `--rate ${ratePerSecond}/s` : `the sample was read at ${count(readPerSecond ?? 0)}/s`
  return [
    ...(seconds === undefined ? [] : [`  at least ${timeText(seconds)}: ${basis}`]),
    `  each millisecond that a handler takes is ${timeText(Number(records) / concurrency / 1_000)} more, if enough entities run beside each other (concurrency ${concurrency})`,
  ]
}

/** The command line that does what was planned. */
export function executeText(group: string, flags: ReplayFlags, { from, to: end }: { from: Position; to: Position }): string {
  const to = flags.to === undefined ? '' : ` --to ${positionText(end)}`
  const topics = (flags.topic ?? []).map(topic => ` --topic ${shellWord(topic)}`).join('')
  return `spillway replay ${group} --from ${positionText(from)}${to}${topics}${restText(flags)} --execute`
}

/** The command line that goes on with it. */
export function resumeText(group: string, id: string, flags: ReplayFlags): string {
  return `spillway replay ${group} --resume ${id}${restText(flags)} --execute`
}

function restText({ key, rate, effects, file }: ReplayFlags): string {
  const options = { key, rate, effects, file }
  return Object.entries(options)
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${shellWord(value)}`))
    .join('')
}

export function resultLines({ group, id, gone, suppressed, file, ...result }: KeptReplayResult): string[] {
  const { handled, skipped, retried, failed, notDue } = result
  const { published, scheduled } = suppressed
  const counts = [
    `${count(handled)} handled`,
    ...(skipped > 0 ? [`${count(skipped)} skipped`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(retried > 0 ? [`${count(retried)} retries`] : []),
  ]
  return [
    `${group}: ${counts.join(', ')}, replay ${id}`,
    ...(file === undefined ? [] : [`  what failed is in ${printable(file)}`]),
    ...(notDue > 0 ? [`  ${count(notDue)} delayed jobs are not due: the group itself will handle them`] : []),
    ...(gone > 0n ? [`  ${count(gone)} offsets were deleted before they could be read`] : []),
    ...(published + scheduled > 0
      ? [
          `  ctx.publish was called ${count(published)} times and ctx.schedule ${count(scheduled)} times: nothing was sent (--effects allow sends)`,
        ]
      : []),
  ]
}

export function count(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

export function partitionsText(partitions: readonly unknown[]): string {
  return partitions.length === 1 ? '1 partition' : `${count(partitions.length)} partitions`
}

/** Two digits or so: it is an estimate. */
export function timeText(seconds: number): string {
  if (seconds < 1) return `${Math.ceil(seconds * 1_000)} ms`
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  if (seconds < 6_000) return `${Math.ceil(seconds / 60)} min`
  return `${Math.ceil(seconds / 3_600)} h`
}
