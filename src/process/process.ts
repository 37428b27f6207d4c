/** Runs consumers and workers as one process: wiring only. What each part does is in its own room. */
import type { Broker, GroupConsumer } from '../broker/port.ts'
import { coPartitioned } from '../consume/assignment.ts'
import { createAttempt } from '../consume/attempt.ts'
import type { Logger, Outbound } from '../consume/handler.ts'
import { GroupLoop } from '../consume/loop.ts'
import { type Processor, sourceTopics } from '../consume/processor.ts'
import type { SessionLimits } from '../consume/session.ts'
import { type Clock, systemClock } from '../consume/waiting.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Signals } from '../observe/signals.ts'
import { batching } from '../produce/batch.ts'
import { type Client, createClient } from '../produce/client.ts'
import { LadderAdmission } from '../retry/ladder-admission.ts'
import { createDecoder } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { SupervisedGroup } from './supervised-group.ts'
import { topicsToConsume } from './topics.ts'

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
}

export interface RunningProcess {
  readonly groups: readonly string[]
  /** Drains, commits, leaves every group and closes. */
  stop(): Promise<void>
}

/** How long the broker waits for the members of a group to join again. */
const rebalanceTimeoutMs = 60_000

/**
 * Resolves when every group has been joined. Rejects, with nothing left running, with TopicsMissing (E_TOPICS_MISSING),
 * ConfigError (E_CONFIG), BrokerUnavailable or BrokerRefused.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { broker, registry, processors, name } = options
  const producer = broker.producer()
  const sender = batching(producer)
  const client = createClient({ producer, registry, source: name, sender })
  const groups = processors.map(processor => supervisedGroup(processor, options, sender, client))
  const stop = async (): Promise<void> => {
    await Promise.all(groups.map(group => group.stop()))
    await client.close()
  }
  try {
    await Promise.all(groups.map(group => group.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { groups: processors.map(processor => processor.name), stop }
}

function supervisedGroup(
  processor: Processor,
  options: ProcessOptions,
  sender: ReturnType<typeof batching>,
  client: Client,
): SupervisedGroup {
  const { broker, registry, signals, logger, clock = systemClock } = options
  const decoder = createDecoder(
    registry,
    processor.subscriptions.map(({ definition }) => definition.schema),
  )
  const loop = new GroupLoop(
    {
      processor,
      attempt: createAttempt({
        processor,
        decoder,
        outbound: cause => outboundOf(client, cause),
        logger: logger.child({ group: processor.name }),
        signals,
      }),
      admission: new LadderAdmission({ ladder: processor.ladder, sender, signals, clock }),
      signals,
      drainTimeoutMs: options.drainTimeoutMs ?? 45_000,
      clock,
      ...(options.limits && { limits: options.limits }),
    },
    error => group.crashed(error),
  )
  const connect = async (): Promise<GroupConsumer> => {
    const consumer = broker.consumer({
      group: processor.name,
      topics: await topicsToConsume(broker, processor),
      startAtEnd: processor.start === 'latest' ? sourceTopics(processor) : [],
      assigner: coPartitioned(partition => signals.emit('order.atRisk', { group: processor.name, partition })),
      rebalanceTimeoutMs,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
      onAssigned: partitions => loop.onAssigned(partitions),
      onRecords: (records, heartbeat) => loop.onRecords(records, heartbeat),
      onPosition: (partition, position) => loop.onPosition(partition, position),
      onRevoking: () => loop.onRevoking(),
      onCrash: error => loop.onCrash(error),
    })
    loop.attach(consumer)
    return consumer
  }
  const group: SupervisedGroup = new SupervisedGroup({ group: processor.name, connect, signals, clock })
  return group
}

/** What a handler sends carries on the chain of the message it handles. */
function outboundOf(client: Client, cause: Envelope): Outbound {
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
