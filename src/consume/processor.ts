/** consumer(), worker(), on() and onTombstone(): processors as plain values. Nothing runs until a process is told to run them. */
import { DefinitionError } from '../errors.ts'
import type { EventDefinition, JobDefinition, MessageDefinition, Topic } from '../message/definition.ts'
import { type Duration, durationMs } from '../message/duration.ts'
import { defaultTiers, type Ladder, ladderOf } from '../topic/ladder.ts'
import { isTierOf } from '../topic/names.ts'
import { type BreakerLimits, type BreakerSettings, breakerSettings } from './breaker-settings.ts'
import { type RecordLimits, recordLimits } from './guard.ts'
import type { Handler, Middleware } from './handler.ts'
import { type RetryOptions, type RetryPolicy, retryPolicy } from './retry-policy.ts'

export interface ProcessorOptions {
  /** How many entities are worked on at the same time in one process. Default 64. */
  readonly concurrency?: number
  /** What becomes of a message whose handler has failed. */
  readonly retry?: RetryOptions
  /**
   * `key`: a message that waits for a retry keeps the later ones of its entity waiting behind it, others never. `none`: they go
   * on, and a retried message may come after them. Default key for consumers, none for workers.
   */
  readonly order?: 'key' | 'none'
  /** How long one try may take before its signal is aborted and it counts as failed. Default 30s. */
  readonly handlerTimeout?: Duration
  /** Where a group that has committed nothing begins on its sources. Default earliest. */
  readonly start?: 'earliest' | 'latest'
  /** A message of a type that has no handler here, or a tombstone: skip and count it, or make it a dead letter. Default skip. */
  readonly unhandled?: 'skip' | 'dead-letter'
  /** What a record may measure; one that is over is dead-lettered as refused. Default 16 MiB, 1,000 headers, 256 KiB of headers. */
  readonly limits?: Partial<RecordLimits>
  /** When records were deleted before they were handled: go on with the first there is, or stop with E_DATA_LOST. Default earliest. */
  readonly onDataLoss?: 'earliest' | 'stop'
  /**
   * When many entities fail with one error at once, the group stops instead of sending all of them to the DLQ, until a try goes well.
   * Default: 20 of them within 10s, and half of all that were tried; one is tried every 5s. false: never.
   */
  readonly breaker?: false | BreakerLimits
  /** Wrapped around every try, first one outermost. */
  readonly middleware?: readonly Middleware[]
}

/** One message definition and the function that handles it. */
export interface Subscription {
  readonly definition: MessageDefinition
  readonly handler: Handler<never>
}

/** A topic and the function that handles its tombstones. */
export interface TombstoneSubscription {
  readonly tombstonesOf: Topic
  readonly handler: Handler<string>
}

/** A consumer or a worker. Its name is its Kafka group id. */
export interface Processor {
  readonly kind: 'consumer' | 'worker'
  readonly name: string
  readonly subscriptions: readonly Subscription[]
  readonly tombstones: readonly TombstoneSubscription[]
  readonly ladder: Ladder
  readonly order: 'key' | 'none'
  readonly retry: RetryPolicy
  readonly concurrency: number
  readonly handlerTimeoutMs: number
  readonly start: 'earliest' | 'latest'
  readonly unhandled: 'skip' | 'dead-letter'
  readonly limits: RecordLimits
  readonly onDataLoss: 'earliest' | 'stop'
  /** undefined: none. */
  readonly breaker: BreakerSettings | undefined
  readonly middleware: readonly Middleware[]
}

/** A handler for one event of a consumer. */
export function on<In, Out>(definition: EventDefinition<In, Out>, handler: Handler<Out>): Subscription {
  return Object.freeze({ definition: definition as MessageDefinition, handler })
}

/**
 * A handler for the tombstones of a topic: records with a key and no value, which say that the entity of that key is gone. It gets the
 * record key as text. A topic has one, whatever types it carries: a tombstone does not say which type it was.
 */
export function onTombstone(topic: Topic, handler: Handler<string>): TombstoneSubscription {
  return Object.freeze({ tombstonesOf: topic, handler })
}

/** An independent group that sees every event of its topics. Throws DefinitionError (E_DEFINITION). */
export function consumer(
  name: string,
  handled: readonly (Subscription | TombstoneSubscription)[],
  options: ProcessorOptions = {},
): Processor {
  const subscriptions = handled.filter(one => 'definition' in one)
  const tombstones = handled.filter(one => 'tombstonesOf' in one)
  refuseTombstones(name, subscriptions, tombstones)
  if (subscriptions.length === 0)
    throw new DefinitionError(`consumer '${name}' handles nothing: give it at least one on(event, handler)`)
  return processor('consumer', name, subscriptions, options, tombstones)
}

/** The one group that owns a job. Throws DefinitionError (E_DEFINITION). */
export function worker<In, Out>(
  name: string,
  definition: JobDefinition<In, Out>,
  handler: Handler<Out>,
  options: ProcessorOptions = {},
): Processor {
  return processor('worker', name, [{ definition: definition as MessageDefinition, handler }], options)
}

function processor(
  kind: Processor['kind'],
  name: string,
  subscriptions: readonly Subscription[],
  options: ProcessorOptions,
  tombstones: readonly TombstoneSubscription[] = [],
): Processor {
  const concurrency = options.concurrency ?? 64
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new DefinitionError(`${kind} '${name}': concurrency must be a whole number of 1 or more, not ${concurrency}`)
  const handlerTimeoutMs = durationMs(options.handlerTimeout ?? '30s')
  if (handlerTimeoutMs < 1) throw new DefinitionError(`${kind} '${name}': handlerTimeout must be longer than 0`)
  refuseDoubles(`${kind} '${name}'`, subscriptions)
  const order = options.order ?? (kind === 'consumer' ? 'key' : 'none')
  return Object.freeze({
    kind,
    name,
    subscriptions: Object.freeze([...subscriptions]),
    tombstones: Object.freeze([...tombstones]),
    ladder: ladderOf(name, options.retry?.tiers ?? defaultTiers),
    order,
    retry: retryPolicy(`${kind} '${name}'`, options.retry ?? {}, order),
    concurrency,
    handlerTimeoutMs,
    start: options.start ?? 'earliest',
    unhandled: options.unhandled ?? 'skip',
    limits: recordLimits(`${kind} '${name}'`, options.limits),
    onDataLoss: options.onDataLoss ?? 'earliest',
    breaker: breakerSettings(`${kind} '${name}'`, options.breaker),
    middleware: Object.freeze([...(options.middleware ?? [])]),
  })
}

function refuseDoubles(what: string, subscriptions: readonly Subscription[]): void {
  const seen = new Set<string>()
  for (const { definition } of subscriptions) {
    const handled = `${definition.type} of ${definition.topic.name}`
    if (seen.has(handled)) throw new DefinitionError(`${what} handles ${handled} twice`)
    seen.add(handled)
  }
}

function refuseTombstones(
  name: string,
  subscriptions: readonly Subscription[],
  tombstones: readonly TombstoneSubscription[],
): void {
  const topics = new Set(subscriptions.map(({ definition }) => definition.topic.name))
  const seen = new Set<string>()
  for (const { tombstonesOf } of tombstones) {
    const topic = tombstonesOf?.name
    if (!topics.has(topic))
      throw new DefinitionError(
        `consumer '${name}' takes the tombstones of ${topic} and handles no event of it: give it on(event, handler) too`,
      )
    if (seen.has(topic)) throw new DefinitionError(`consumer '${name}' takes the tombstones of ${topic} twice`)
    seen.add(topic)
  }
}

/** The source topics of a processor, each once. */
export function sourceTopics(processor: Processor): string[] {
  return [...new Set(processor.subscriptions.map(({ definition }) => definition.topic.name))]
}

/**
 * The topics of its tiers, the shortest delay first; behind them those of `existing` that are configured no more: what waits in them is
 * still drained.
 */
export function tierTopics({ name, ladder }: Processor, existing: Iterable<string> = []): string[] {
  const configured = [ladder.immediate, ...ladder.waits].map(({ topic }) => topic)
  return [...new Set([...configured, ...[...existing].filter(topic => isTierOf(name, topic))])]
}
