/** The health endpoints of a process: /livez (and /healthz), /readyz, /status and /metrics. */
import { type Clock, systemClock } from '../consume/clock.ts'
import type { Processor } from '../consume/processor.ts'
import type { SessionProgress } from '../consume/progress.ts'
import { tombstoneType } from '../message/tombstone.ts'
import { Metrics } from '../observe/metrics.ts'
import type { Signals } from '../observe/signals.ts'
import { EventLoopMonitor } from './event-loop.ts'
import { watchGroups } from './group-watch.ts'
import {
  defaultHealthLimits,
  type HealthLimits,
  liveness,
  type ProcessHealth,
  readiness,
  statusOf,
  type Verdict,
} from './health-report.ts'
import { type Address, type Answer, serve } from './http-server.ts'

export interface HealthOptions {
  readonly address: Address
  readonly service: string
  readonly version: string
  readonly processors: readonly Processor[]
  /** Those of the process; it must not have been started yet. */
  readonly signals: Signals
  readonly clock?: Clock
  readonly limits?: Partial<HealthLimits>
}

export interface Health {
  /** Where it listens. */
  readonly address: Address
  /** `kept`: it does not answer, and what it said to an earlier process is used. */
  registryReached(how?: 'kept'): void
  /** The process has started: this is how far its groups are. */
  follow(running: { progress(): ReadonlyMap<string, SessionProgress | undefined> }): void
  /** From now on the process is not ready. */
  draining(): void
  /** Nothing of it is left afterwards. Never rejects. */
  close(): Promise<void>
}

/** Listens at once, so that a process that is starting can be asked too. Rejects with AddressUnusable (E_ADDRESS). */
export async function startHealth(options: HealthOptions): Promise<Health> {
  const { address, service, version, processors, signals, clock = systemClock } = options
  const now = (): number => clock.now()
  const groups = watchGroups(
    processors.map(({ name }) => name),
    signals,
    now,
  )
  const timeouts = new Map(processors.map(({ name, handlerTimeoutMs }) => [name, handlerTimeoutMs]))
  const monitor = new EventLoopMonitor()
  const startedAtMs = now()
  const state: { draining: boolean; registryReached: ProcessHealth['registryReached'] } = {
    draining: false,
    registryReached: false,
  }
  let progress = (): ReadonlyMap<string, SessionProgress | undefined> => new Map()
  const health = (): ProcessHealth => {
    const far = progress()
    const all = groups
      .standings()
      .map(one => ({ ...one, handlerTimeoutMs: timeouts.get(one.group)!, progress: far.get(one.group) }))
    return { service, version, startedAtMs, ...state, eventLoop: monitor.delay(), groups: all }
  }
  const types = new Map(
    processors.map(({ name, subscriptions }) => [
      name,
      [...subscriptions.map(({ definition }) => definition.type), tombstoneType],
    ]),
  )
  const metrics = new Metrics({ signals, types, groups: () => health().groups, eventLoop: () => monitor.delay(), now })
  const stopWatching = (): void => {
    groups.end()
    metrics.close()
    monitor.stop()
  }
  const server = await serve(address, routesOf(health, metrics, now, { ...defaultHealthLimits, ...options.limits })).catch(
    error => {
      stopWatching()
      throw error
    },
  )
  return {
    address: server.address,
    registryReached(how) {
      state.registryReached = how ?? true
    },
    follow(running) {
      progress = () => running.progress()
    },
    draining() {
      state.draining = true
    },
    async close() {
      await server.close()
      stopWatching()
    },
  }
}

function routesOf(
  health: () => ProcessHealth,
  metrics: Metrics,
  now: () => number,
  limits: HealthLimits,
): Record<string, () => Answer | Promise<Answer>> {
  const live = (): Answer => verdictAnswer(liveness(health(), now(), limits))
  return {
    '/livez': live,
    '/healthz': live,
    '/readyz': () => verdictAnswer(readiness(health(), now(), limits)),
    '/status': () => json(200, statusOf(health(), now(), limits)),
    '/metrics': async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() }),
  }
}

function verdictAnswer({ ok, problems, notes }: Verdict): Answer {
  return json(ok ? 200 : 503, { ok, problems, notes })
}

function json(status: number, body: object): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` }
}
