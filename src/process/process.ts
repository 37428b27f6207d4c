/** Runs consumers and workers as one process: wiring only. What each part does is in its own room. */
import type { Broker, GroupConsumer, RecordSender } from '../broker/port.ts'
import type { Admission } from '../consume/admission.ts'
import { coPartitioned } from '../consume/assignment.ts'
import { createAttempt } from '../consume/attempt.ts'
import { Breaker } from '../consume/breaker.ts'
import { type Clock, systemClock } from '../consume/clock.ts'
import { deliveries } from '../consume/delivery.ts'
import type { Logger, Outbound } from '../consume/handler.ts'
import type { SessionLimits } from '../consume/limits.ts'
import { GroupLoop } from '../consume/loop.ts'
import { type Processor, sourceTopics } from '../consume/processor.ts'
import type { SessionProgress } from '../consume/progress.ts'
import { ConfigError } from '../errors.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Signals } from '../observe/signals.ts'
import { batching } from '../produce/batch.ts'
import { type Client, createClient } from '../produce/client.ts'
import { LadderAdmission } from '../retry/ladder-admission.ts'
import { OrderedAdmission } from '../retry/ordered-admission.ts'
import { unexpectedBy } from '../retry/unexpected.ts'
import { createDecoder, type Decoder } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { SupervisedGroup } from './supervised-group.ts'
import { tiersOf, topicsToConsume } from './topics.ts'

export interface ProcessOptions {
  /** The service's name: `ce_source` of what its handlers send. */
  readonly name: string
  readonly processors: readonly Processor[]
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly signals: Signals
  /** What handlers log to. */
  readonly logger: Logger
  /** How long a rebalance or a stop waits for running handlers. Default 45,000. A handler's deadline must be below it. */
  readonly drainTimeoutMs?: number
  /** How long the broker waits for a silent process before it gives its partitions away. Default 30,000. */
  readonly sessionTimeoutMs?: number
  readonly clock?: Clock
  readonly limits?: SessionLimits
  /** Gives a start up that has not succeeded yet: startProcess rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface RunningProcess {
  readonly groups: readonly string[]
  /** How far each group is; undefined while it has no assignment. */
  progress(): ReadonlyMap<string, SessionProgress | undefined>
  /** Resolves with the reason when a group has ended for good and waits for somebody to decide (E_DATA_LOST); never rejects. */
  readonly failed: Promise<unknown>
  /** Drains, commits, leaves every group and closes. */
  stop(): Promise<void>
}

/** How long the broker waits for the members of a group to join again. */
const rebalanceTimeoutMs = 60_000
/** Leaves time for the commit and the join. */
const longestDrainMs = rebalanceTimeoutMs * 0.75
export const defaultDrainTimeoutMs = longestDrainMs
const defaultSessionTimeoutMs = 30_000

/**
 * Resolves when every group has been joined. Rejects, with nothing left running, with TopicsMissing (E_TOPICS_MISSING),
 * ConfigError (E_CONFIG), BrokerUnavailable or BrokerRefused.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { broker, registry, processors, name } = options
  refuseLongDeadlines(options)
  const producer = broker.producer()
  const sender = batching(producer)
  const client = createClient({ producer, registry, source: name, sender })
  const loops = processors.map(processor => createLoop(processor, options, sender, client))
  const failed = Promise.withResolvers<unknown>()
  const groups = loops.map(loop => supervise(loop, options, failed.resolve))
  const stop = async (): Promise<void> => {
    await Promise.all(groups.map(group => group.stop()))
    await client.close()
  }
  try {
    await Promise.race([Promise.all(groups.map(group => group.start())), aborted(options.signal)])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    groups: processors.map(processor => processor.name),
    progress: () => new Map(loops.map(loop => [loop.processor.name, loop.progress()])),
    failed: failed.promise,
    stop,
  }
}

export function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function createLoop(processor: Processor, options: ProcessOptions, sender: RecordSender, client: Client): GroupLoop {
  const { signals, logger, clock = systemClock } = options
  return new GroupLoop({
    processor,
    attempt: createAttempt({
      processor,
      decoder: decoderOf(processor, processor.name, options),
      outbound: cause => outboundOf(client, cause),
      logger: logger.child({ group: processor.name }),
      signals,
    }),
    admission: admissionOf(processor, options, sender),
    breaker: breakerOf(processor, signals, clock),
    signals,
    drainTimeoutMs: options.drainTimeoutMs ?? defaultDrainTimeoutMs,
    clock,
    ...(options.limits && { limits: options.limits }),
  })
}

/** `group`: who is told of as the one that cannot read a schema. */
export function decoderOf(
  { subscriptions }: Processor,
  group: string,
  { registry, signals }: Pick<ProcessOptions, 'registry' | 'signals'>,
): Decoder {
  const schemas = subscriptions.map(({ definition }) => definition.schema)
  return createDecoder(registry, schemas, unreadable => signals.emit('schema.unreadable', { group, ...unreadable }))
}

function admissionOf(
  processor: Processor,
  { broker, signals, clock = systemClock }: ProcessOptions,
  sender: RecordSender,
): Admission {
  const { ladder, retry, order, limits } = processor
  const settling = { ladder, retry, sender, signals, clock }
  if (order === 'none') return new LadderAdmission(settling)
  const sources = new Set(sourceTopics(processor))
  return new OrderedAdmission({
    ...settling,
    reader: () => broker.reader(),
    deliver: deliveries(sources, limits),
    isSource: topic => sources.has(topic),
    tiers: () => tiersOf(broker, processor.name),
  })
}

export function breakerOf(processor: Processor, signals: Signals, clock: Clock): Breaker | undefined {
  const { name: group, breaker: settings, ladder, retry } = processor
  if (!settings) return undefined
  const copiesReturnMs = ladder.tiers.reduce((sum, { delayMs }) => sum + delayMs, 0)
  return new Breaker({ group, settings, unexpected: unexpectedBy(retry), copiesReturnMs, signals, clock })
}

/** `topics`: what is subscribed to, found out anew for each consumer. */
export function supervise(
  loop: GroupLoop,
  options: Pick<ProcessOptions, 'broker' | 'signals' | 'clock' | 'sessionTimeoutMs'>,
  onFailed: (error: unknown) => void,
  topics: () => Promise<readonly string[]> = () => topicsToConsume(options.broker, loop.processor),
): SupervisedGroup {
  const { broker, signals, clock = systemClock, sessionTimeoutMs = defaultSessionTimeoutMs } = options
  const { processor } = loop
  const connect = async (onCrash: (error: unknown) => void): Promise<GroupConsumer> => {
    const onFailure = (error: unknown): void => {
      loop.abandon()
      onCrash(error)
    }
    const consumer = broker.consumer({
      group: processor.name,
      topics: await topics(),
      // Once begun, the end would skip what came while a topic was made anew.
      startAtEnd: processor.start === 'latest' && !loop.hasBegun ? sourceTopics(processor) : [],
      assigner: coPartitioned(partition => signals.emit('order.atRisk', { group: processor.name, partition })),
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      onAssigned: partitions => loop.onAssigned(partitions),
      onRecords: (records, heartbeat) => loop.onRecords(records, heartbeat),
      onPosition: (partition, position, end) => loop.onPosition(partition, position, end),
      onReset: reset => loop.onReset(reset),
      onRevoking: () => loop.onRevoking(),
      onCrash: onFailure,
    })
    loop.attach(consumer, onFailure)
    return consumer
  }
  return new SupervisedGroup({ group: processor.name, connect, signals, clock, onFailed })
}

/** A handler that may run longer than a drain, or a drain longer than a rebalance, would be fenced every time. */
export function refuseLongDeadlines({
  processors,
  drainTimeoutMs = defaultDrainTimeoutMs,
}: Pick<ProcessOptions, 'processors' | 'drainTimeoutMs'>): void {
  if (drainTimeoutMs > longestDrainMs)
    throw new ConfigError([`a drain of ${drainTimeoutMs} ms is longer than a rebalance allows, ${longestDrainMs} ms`])
  const problems = processors
    .filter(({ handlerTimeoutMs }) => handlerTimeoutMs > drainTimeoutMs)
    .map(
      ({ name, handlerTimeoutMs }) =>
        `'${name}': handlerTimeout ${handlerTimeoutMs} ms is longer than the ${drainTimeoutMs} ms that a drain waits`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
}

/** What a handler sends carries on the chain of the message it handles. */
export function outboundOf(client: Client, cause: Envelope): Outbound {
  const chain = {
    correlationId: cause.correlationId ?? cause.id,
    causationId: cause.id,
    ...(cause.traceparent !== undefined && { traceparent: cause.traceparent }),
  }
  return {
    publish: (definition, payload) => client.publisher(definition).publish(payload, chain),
    schedule: (definition, payload, options = {}) => client.scheduler(definition).schedule(payload, { ...chain, ...options }),
  }
}
