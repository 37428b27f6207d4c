/** What the signals tell of each group of this process: where it is between its first join and the end. */
import type { Signals } from '../observe/signals.ts'

/** `joining`: for the first time. `rebuilding`: its consumer broke down, and another is being built. */
export type GroupPhase = 'joining' | 'assigned' | 'rebalancing' | 'rebuilding' | 'stopped'

export interface GroupStanding {
  readonly group: string
  phase: GroupPhase
  sinceMs: number
  /** The broker has answered a fetch, once. */
  polled: boolean
  /** Assignments begun. */
  joins: number
  crashes: number
  /** Undefined while it is closed, and where there is none. */
  breaker: OpenBreaker | undefined
}

/** Nothing of the error but its class and fingerprint: its message is the handler's own words. */
export interface OpenBreaker {
  readonly fingerprint: string
  readonly errorClass: string
  readonly sinceMs: number
  /** Entities that failed so when it opened, of those that were tried. */
  readonly failed: number
  readonly tried: number
  /** Tries since then, all of which failed so. */
  probes: number
}

export function watchGroups(
  groups: readonly string[],
  signals: Signals,
  now: () => number,
): { standings(): readonly GroupStanding[]; end(): void } {
  const standings = new Map(groups.map(group => [group, newStanding(group, now())]))
  const enter = (group: string, phase: GroupPhase): GroupStanding | undefined => {
    const standing = standings.get(group)
    if (standing && standing.phase !== phase && standing.phase !== 'stopped') Object.assign(standing, { phase, sinceMs: now() })
    return standing
  }
  const ends = [
    signals.on('consumer.joined', ({ group }) => {
      const standing = enter(group, 'assigned')
      if (standing) standing.joins++
    }),
    signals.on('consumer.polled', ({ group }) => {
      const standing = standings.get(group)
      if (standing) standing.polled = true
    }),
    signals.on('consumer.revoking', ({ group }) => void enter(group, 'rebalancing')),
    signals.on('consumer.crashed', ({ group }) => {
      const standing = enter(group, 'rebuilding')
      if (standing) standing.crashes++
    }),
    signals.on('breaker.opened', ({ group, failure, failed, tried }) => {
      const standing = standings.get(group)
      const { fingerprint, class: errorClass } = failure
      if (standing) standing.breaker = { fingerprint, errorClass, sinceMs: now(), failed, tried, probes: 0 }
    }),
    signals.on('breaker.probed', ({ group }) => {
      const breaker = standings.get(group)?.breaker
      if (breaker) breaker.probes++
    }),
    signals.on('breaker.closed', ({ group }) => {
      const standing = standings.get(group)
      if (standing) standing.breaker = undefined
    }),
    signals.on('consumer.stopped', ({ group }) => void enter(group, 'stopped')),
  ]
  return {
    standings: () => [...standings.values()],
    end: () => {
      for (const end of ends) end()
    },
  }
}

function newStanding(group: string, nowMs: number): GroupStanding {
  return { group, phase: 'joining', sinceMs: nowMs, polled: false, joins: 0, crashes: 0, breaker: undefined }
}
