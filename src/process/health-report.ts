/** What the health endpoints say of a process, from how it stands. Pure. Nothing here names a payload, a key or an error's message. */
import type { ParkedEntity } from '../consume/admission.ts'
import type { PartitionProgress, RunningAttempt, SessionProgress } from '../consume/progress.ts'
import type { EventLoopDelay } from './event-loop.ts'
import type { GroupStanding, OpenBreaker } from './group-watch.ts'

export interface ProcessHealth {
  readonly service: string
  readonly version: string
  readonly startedAtMs: number
  readonly draining: boolean
  /** The registry has answered, once. `kept`: not yet, and what it said to an earlier process is used. */
  readonly registryReached: boolean | 'kept'
  readonly eventLoop: EventLoopDelay
  readonly groups: readonly GroupHealth[]
}

export interface GroupHealth extends GroupStanding {
  readonly handlerTimeoutMs: number
  /** Undefined between two assignments. */
  readonly progress: SessionProgress | undefined
}

export interface HealthLimits {
  /** How long an attempt may go on after its handler's deadline, which ends every handler that waits, before it is stuck. */
  readonly stuckGraceMs: number
  /** How long a rebalance may take before the process is not ready. */
  readonly rebalanceGraceMs: number
  /** How late timers may be on average before the event loop counts as blocked. */
  readonly eventLoopMeanMs: number
}

export const defaultHealthLimits: HealthLimits = { stuckGraceMs: 60_000, rebalanceGraceMs: 60_000, eventLoopMeanMs: 1_000 }

/** `problems` make it fail, `notes` do not. */
export interface Verdict {
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly notes: readonly string[]
}

/** Whether a restart would help. It would not against an outage: broker and registry have no say here. */
export function liveness({ eventLoop, groups }: ProcessHealth, nowMs: number, limits = defaultHealthLimits): Verdict {
  const blocked =
    eventLoop.meanMs > limits.eventLoopMeanMs ? [`the event loop is blocked: timers are ${eventLoop.meanMs} ms late`] : []
  const stuck = groups.flatMap(group =>
    stuckAttempts(group, nowMs, limits).map(
      ({ origin, startedAtMs }) =>
        `${group.group}: ${origin.topic}/${origin.partition} at ${origin.offset} is stuck for ${seconds(nowMs - startedAtMs)} s`,
    ),
  )
  return verdict([...blocked, ...stuck], [])
}

/** Whether it does its part: every group joined, none given up. An outage is told and changes nothing: another process would have it too. */
export function readiness(health: ProcessHealth, nowMs: number, limits = defaultHealthLimits): Verdict {
  const problems = [
    ...(health.draining ? ['the process is stopping'] : []),
    ...(health.registryReached ? [] : ['the registry has not answered yet']),
    ...health.groups.flatMap(group => groupProblem(group, nowMs, limits) ?? []),
  ]
  const kept = health.registryReached === 'kept' ? ['the registry has not answered yet: schemas come from disk'] : []
  return verdict(problems, [...kept, ...health.groups.flatMap(group => groupNotes(group, nowMs))])
}

/** All of it, for a person or a program. Offsets are texts: they are 64-bit numbers. */
export function statusOf(health: ProcessHealth, nowMs: number, limits = defaultHealthLimits): object {
  const { service, version, startedAtMs, draining, eventLoop, groups } = health
  return {
    apiVersion: 'v1',
    kind: 'ProcessStatus',
    service,
    version,
    startedAt: new Date(startedAtMs).toISOString(),
    uptimeSeconds: seconds(nowMs - startedAtMs),
    draining,
    eventLoopDelayMs: { mean: eventLoop.meanMs, max: eventLoop.maxMs },
    groups: groups.map(group => ({
      group: group.group,
      phase: group.phase,
      since: new Date(group.sinceMs).toISOString(),
      rebalances: group.joins,
      crashes: group.crashes,
      inFlight: group.progress?.running ?? 0,
      queued: group.progress ? group.progress.queued - group.progress.running : 0,
      held: group.progress?.held ?? 0,
      waiting: group.progress?.waiting ?? 0,
      breaker: group.breaker ? breakerStatus(group.breaker) : null,
      partitions: (group.progress?.partitions ?? []).map(partition => partitionStatus(partition, nowMs)),
      ...parkedStatus(group.progress?.parked() ?? [], nowMs),
      stuck: stuckAttempts(group, nowMs, limits).map(({ origin, startedAtMs }) => ({
        topic: origin.topic,
        partition: origin.partition,
        offset: String(origin.offset),
        seconds: seconds(nowMs - startedAtMs),
      })),
    })),
  }
}

function verdict(problems: readonly string[], notes: readonly string[]): Verdict {
  return { ok: problems.length === 0, problems, notes }
}

function stuckAttempts(
  { handlerTimeoutMs, progress }: GroupHealth,
  nowMs: number,
  limits: HealthLimits,
): readonly RunningAttempt[] {
  return (progress?.attempts ?? []).filter(({ startedAtMs }) => nowMs - startedAtMs > handlerTimeoutMs + limits.stuckGraceMs)
}

function groupProblem(group: GroupHealth, nowMs: number, { rebalanceGraceMs }: HealthLimits): string | undefined {
  const name = group.group
  if (group.joins === 0) return `${name}: not joined yet`
  if (!group.polled) return `${name}: joined, not fetched yet`
  if (group.phase === 'rebalancing' && nowMs - group.sinceMs > rebalanceGraceMs)
    return `${name}: rebalancing for ${seconds(nowMs - group.sinceMs)} s`
  return group.phase === 'stopped' ? `${name}: left` : undefined
}

function groupNotes({ group, phase, sinceMs, breaker, progress }: GroupHealth, nowMs: number): string[] {
  const between =
    phase === 'rebalancing' || phase === 'rebuilding' ? [`${group}: ${phase} for ${seconds(nowMs - sinceMs)} s`] : []
  const partitions = (progress?.partitions ?? []).flatMap(({ topic, partition, blocked, paused }) => {
    const name = `${group}: ${topic}/${partition}`
    if (blocked)
      return [
        `${name} waits for the ${blocked.reason === 'registry' ? 'registry' : 'broker'} for ${seconds(nowMs - blocked.sinceMs)} s`,
      ]
    return paused.length > 0 ? [`${name} is paused (${paused.join(', ')})`] : []
  })
  return [...between, ...(breaker ? [breakerNote(group, breaker, nowMs)] : []), ...partitions]
}

function breakerNote(
  group: string,
  { fingerprint, errorClass, sinceMs, failed, tried, probes }: OpenBreaker,
  nowMs: number,
): string {
  const why = `${failed} of ${tried} entities failed with ${errorClass} ${fingerprint}, and so did ${probes} tries since`
  return `${group}: the breaker is open for ${seconds(nowMs - sinceMs)} s: ${why}`
}

function breakerStatus({ sinceMs, fingerprint, errorClass, failed, tried, probes }: OpenBreaker): object {
  return { state: 'open', since: new Date(sinceMs).toISOString(), fingerprint, errorClass, failed, tried, probes }
}

function partitionStatus(partition: PartitionProgress, nowMs: number): object {
  const { topic, position, committed, end, unfinished, waiting, oldestMs, paused, blocked } = partition
  return {
    topic,
    partition: partition.partition,
    position: String(position),
    committed: String(committed),
    end: end === undefined ? null : String(end),
    lag: end === undefined ? null : Number(end > committed ? end - committed : 0n),
    lagAgeSeconds: oldestMs === undefined ? 0 : seconds(nowMs - oldestMs),
    unfinished,
    waiting,
    paused,
    blocked: blocked ? { reason: blocked.reason, since: new Date(blocked.sinceMs).toISOString() } : null,
  }
}

/** So many of them are told one by one, the oldest first. */
const mostParked = 100

function parkedStatus(parked: readonly ParkedEntity[], nowMs: number): object {
  const since = ({ firstFailedAtMs }: ParkedEntity) => firstFailedAtMs ?? Number.POSITIVE_INFINITY
  const oldest = [...parked].sort((a, b) => since(a) - since(b)).slice(0, mostParked)
  return {
    parkedEntities: parked.length,
    blockedEntities: parked.filter(({ isBlocked }) => isBlocked).length,
    parked: oldest.map(({ origin, attempt, firstFailedAtMs, dueAtMs, fingerprint, isBlocked, followers }) => ({
      topic: origin.topic,
      partition: origin.partition,
      offset: String(origin.offset),
      attempts: attempt,
      ageSeconds: firstFailedAtMs === undefined ? null : seconds(nowMs - firstFailedAtMs),
      due: new Date(dueAtMs).toISOString(),
      fingerprint: fingerprint === '' ? null : fingerprint,
      blocked: isBlocked,
      followers,
    })),
  }
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 100) / 10)
}
