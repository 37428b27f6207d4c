/**
 * The process in numbers, as Prometheus reads them. What happened is counted from the signals, how it stands is asked for when it
 * is read. Labels come from fixed sets: groups, topics, tiers, dispositions, and the types that have a handler (all else is `other`).
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { isTierOf } from '../topic/names.ts'
import { durationBuckets, type EachType, HandlerTimes, TypeCounts } from './handler-times.ts'
import type { Signals } from './signals.ts'

export interface MetricsOptions {
  readonly signals: Signals
  /** The types that each group has handlers for. */
  readonly types: ReadonlyMap<string, readonly string[]>
  readonly groups: () => readonly MeasuredGroup[]
  readonly eventLoop: () => { readonly meanMs: number; readonly maxMs: number }
  readonly now: () => number
}

export interface MeasuredGroup {
  readonly group: string
  /** Undefined while the group is not joined. */
  readonly progress: MeasuredProgress | undefined
  /** Present while it is open. */
  readonly breaker?: object | undefined
}

export interface MeasuredProgress {
  readonly parked: () => readonly { readonly isBlocked: boolean }[]
  readonly running: number
  readonly queued: number
  readonly partitions: readonly MeasuredPartition[]
}

export interface MeasuredPartition {
  readonly topic: string
  readonly committed: bigint
  readonly end: bigint | undefined
  readonly waiting: number
  readonly oldestMs: number | undefined
  readonly blocked: object | undefined
}

const other = 'other'

export class Metrics {
  readonly #registry = new Registry()
  readonly #options: MetricsOptions
  readonly #types: ReadonlyMap<string, ReadonlyMap<string, TypeCounts>>
  readonly #ends: (() => void)[] = []

  constructor(options: MetricsOptions) {
    this.#options = options
    this.#types = new Map(
      [...options.types].map(([group, types]) => [group, new Map([...types, other].map(type => [type, new TypeCounts()]))]),
    )
    this.#countMessages()
    this.#countFailures()
    this.#countConsumer()
    this.#askGroups()
    this.#askPartitions()
    this.#askEventLoop()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Listens no longer. */
  close(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  /** On the way of every message: numbers here, and prom-client only when it is read. */
  #countMessages(): void {
    const { signals } = this.#options
    this.#ends.push(
      signals.on('message.done', ({ group, type, durationMs }) => this.#countsOf(group, type)?.record(durationMs)),
      signals.on('message.skipped', ({ group, type }) => {
        const counts = this.#countsOf(group, type)
        if (counts) counts.skipped++
      }),
    )
    new HandlerTimes(this.#registry, this.#eachType)
    const count = (name: string, help: string, of: (counts: TypeCounts) => number): void => {
      const eachType = this.#eachType
      new Counter({
        ...{ name, help, labelNames: ['group', 'type'], registers: [this.#registry] },
        collect() {
          this.reset()
          eachType((labels, counts) => this.inc(labels, of(counts)))
        },
      })
    }
    count('spillway_messages_handled_total', 'Messages whose handler returned', ({ handled }) => handled)
    count('spillway_messages_skipped_total', 'Messages finished without an effect', ({ skipped }) => skipped)
  }

  #countFailures(): void {
    const { signals } = this.#options
    const retried = this.#counter('spillway_messages_retried_total', 'Copies written to a tier after a failure', ['type', 'tier'])
    const delayed = this.#counter('spillway_messages_delayed_total', 'Copies written to a tier to wait, without a failure', [
      'tier',
    ])
    const followed = this.#counter(
      'spillway_messages_followed_total',
      'Copies written to a tier because an earlier message of the entity waits there',
      ['tier'],
    )
    const late = new Histogram({
      name: 'spillway_due_lag_seconds',
      help: 'How long after its due time a record of a tier began to run, but for those that waited for another of their entity',
      labelNames: ['group', 'tier'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
      registers: [this.#registry],
    })
    const dead = this.#counter('spillway_dead_letters_total', 'Copies written to the DLQ', ['type', 'disposition'])
    const timeouts = this.#counter('spillway_handler_timeouts_total', 'Handlers that ran past their deadline', ['type'])
    const unheard = this.#counter('spillway_handler_late_total', 'Handlers that settled when nobody waited any more', ['type'])
    const unreadable = this.#counter(
      'spillway_schemas_unreadable_total',
      'Schemas that messages were written with and that the group cannot read',
      ['type'],
    )
    this.#eachType(labels => unreadable.inc(labels, 0))
    this.#ends.push(
      signals.on('schema.unreadable', ({ group, type }) => unreadable.inc({ group, type: this.#label(group, type) })),
      signals.on('message.retried', ({ group, type, tier }) => retried.inc({ group, type: this.#label(group, type), tier })),
      signals.on('message.delayed', ({ group, tier }) => delayed.inc({ group, tier })),
      signals.on('message.followed', ({ group, tier }) => followed.inc({ group, tier })),
      signals.on('retry.started', ({ group, tier, lateMs }) => late.observe({ group, tier }, Math.max(0, lateMs) / 1_000)),
      signals.on('message.deadLettered', ({ group, type, disposition }) =>
        dead.inc({ group, type: this.#label(group, type), disposition }),
      ),
      signals.on('handler.timedOut', ({ group, type }) => timeouts.inc({ group, type: this.#label(group, type) })),
      signals.on('handler.late', ({ group, type }) => unheard.inc({ group, type: this.#label(group, type) })),
    )
  }

  #countConsumer(): void {
    const { signals } = this.#options
    const joins = this.#counter('spillway_rebalances_total', 'Assignments begun, the first one included')
    const crashes = this.#counter('spillway_consumer_crashes_total', 'Breakdowns of the consumer and vain tries to rebuild it')
    const commits = this.#counter('spillway_commit_failures_total', 'Commits that did not get through')
    const opened = this.#counter('spillway_breaker_opened_total', 'How often the breaker took failures for an outage')
    for (const group of this.#types.keys()) for (const counter of [joins, crashes, commits, opened]) counter.inc({ group }, 0)
    const drains = new Histogram({
      name: 'spillway_drain_duration_seconds',
      help: 'How long running handlers were waited for before an assignment was given up',
      labelNames: ['group'],
      buckets: [...durationBuckets, 30, 45],
      registers: [this.#registry],
    })
    this.#ends.push(
      signals.on('consumer.joined', ({ group }) => joins.inc({ group })),
      signals.on('consumer.crashed', ({ group }) => crashes.inc({ group })),
      signals.on('commit.failed', ({ group }) => commits.inc({ group })),
      signals.on('breaker.opened', ({ group }) => opened.inc({ group })),
      signals.on('consumer.drained', ({ group, durationMs }) => drains.observe({ group }, durationMs / 1_000)),
    )
  }

  #askGroups(): void {
    const { groups } = this.#options
    this.#gauge('spillway_consumer_joined', 'Whether the process has an assignment of the group', ['group'], set => {
      for (const { group, progress } of groups()) set({ group }, progress ? 1 : 0)
    })
    const parked = (name: string, help: string, which: (one: { readonly isBlocked: boolean }) => boolean): void =>
      this.#gauge(name, help, ['group'], set => {
        for (const { group, progress } of groups()) set({ group }, progress ? progress.parked().filter(which).length : 0)
      })
    parked('spillway_parked_entities', 'Entities with a message that waits for a retry', () => true)
    parked(
      'spillway_blocked_entities',
      "Of these, the ones whose ladder is exhausted (onExhausted: 'block')",
      one => one.isBlocked,
    )
    this.#gauge('spillway_breaker_open', 'Whether the breaker of the group is open in this process', ['group'], set => {
      for (const { group, breaker } of groups()) set({ group }, breaker ? 1 : 0)
    })
    this.#gauge('spillway_in_flight', 'Records that are being handled', ['group'], set => {
      for (const { group, progress } of groups()) set({ group }, progress?.running ?? 0)
    })
    this.#gauge(
      'spillway_queued',
      'Records that wait for the one of their entity before them, or for a free place',
      ['group'],
      set => {
        for (const { group, progress } of groups()) set({ group }, progress ? progress.queued - progress.running : 0)
      },
    )
  }

  #askPartitions(): void {
    const { now } = this.#options
    const sums = (name: string, help: string, of: (partition: MeasuredPartition) => number): void =>
      this.#gauge(name, help, ['group', 'topic'], set => {
        this.#eachTopic((group, topic, partitions) =>
          set(
            { group, topic },
            partitions.reduce((sum, one) => sum + of(one), 0),
          ),
        )
      })
    sums('spillway_partitions', 'Partitions that are assigned to this process', () => 1)
    sums('spillway_partitions_blocked', 'Partitions that wait for the registry or for a produce', one => (one.blocked ? 1 : 0))
    sums(
      'spillway_lag_records',
      'From the committed offset to the end, of the partitions of this process',
      ({ committed, end }) => (end !== undefined && end > committed ? Number(end - committed) : 0),
    )
    this.#gauge(
      'spillway_lag_age_seconds',
      'Age of the oldest record that was fetched and is not finished',
      ['group', 'topic'],
      set => {
        this.#eachTopic((group, topic, partitions) => {
          const ages = partitions.map(({ oldestMs }) => (oldestMs === undefined ? 0 : Math.max(0, now() - oldestMs) / 1_000))
          set({ group, topic }, Math.max(0, ...ages))
        })
      },
    )
    this.#gauge('spillway_waiting', 'Records of a tier in memory that are not due', ['group', 'tier'], set => {
      this.#eachTopic((group, topic, partitions) => {
        if (isTierOf(group, topic))
          set(
            { group, tier: topic },
            partitions.reduce((sum, { waiting }) => sum + waiting, 0),
          )
      })
    })
  }

  #askEventLoop(): void {
    const { eventLoop } = this.#options
    this.#gauge('spillway_event_loop_delay_seconds', 'How late timers were on average, over the last seconds', [], set =>
      set({}, eventLoop().meanMs / 1_000),
    )
    this.#gauge('spillway_event_loop_delay_max_seconds', 'How late a timer was at most, over the last seconds', [], set =>
      set({}, eventLoop().maxMs / 1_000),
    )
  }

  #counter(name: string, help: string, labels: readonly string[] = []): Counter<string> {
    return new Counter({ name, help, labelNames: ['group', ...labels], registers: [this.#registry] })
  }

  #gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    ask: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void {
    new Gauge({
      ...{ name, help, labelNames, registers: [this.#registry] },
      collect() {
        // What is no longer assigned is no longer told.
        this.reset()
        ask((labels, value) => this.set(labels, value))
      },
    })
  }

  #eachTopic(visit: (group: string, topic: string, partitions: readonly MeasuredPartition[]) => void): void {
    for (const { group, progress } of this.#options.groups())
      for (const [topic, partitions] of Map.groupBy(progress?.partitions ?? [], one => one.topic)) visit(group, topic, partitions)
  }

  readonly #eachType: EachType = visit => {
    for (const [group, types] of this.#types) for (const [type, counts] of types) visit({ group, type }, counts)
  }

  #countsOf(group: string, type: string): TypeCounts | undefined {
    const types = this.#types.get(group)
    return types && (types.get(type) ?? types.get(other))
  }

  #label(group: string, type: string): string {
    return this.#types.get(group)?.has(type) ? type : other
  }
}
