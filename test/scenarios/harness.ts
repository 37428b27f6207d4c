/** What the scenarios stand on: the shared broker, topics and schemas of their own, and processes that end with the test. */
import { inject, onTestFinished } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import type { Admin, Broker, BrokerRecord, TransactionalProducer } from '../../src/broker/port.ts'
import { defineService } from '../../src/config.ts'
import { type Processor, sourceTopics } from '../../src/consume/processor.ts'
import { namesOf } from '../../src/dlq/source.ts'
import type { MessageDefinition } from '../../src/message/definition.ts'
import type { Headers } from '../../src/message/headers.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { type SignalMap, type SignalName, Signals } from '../../src/observe/signals.ts'
import { type ProcessOptions, type RunningProcess, startProcess } from '../../src/process/process.ts'
import { type Client, createClient } from '../../src/produce/client.ts'
import { type RedriveOptions, type RedriveResult, runRedrive } from '../../src/redrive/run.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { registerSchemas } from '../../src/schema/register.ts'
import { connectRegistry, type SchemaRegistry } from '../../src/schema/registry.ts'
import { subjectOf } from '../../src/schema/subject.ts'
import { immediateTopic } from '../../src/topic/names.ts'
import { topicsOf } from '../../src/topic/plan.ts'
import { readTrail, type Trail } from '../../src/topic/trail.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'

/** A machine that is busy with other things is slow, not wrong. */
export const patienceMs = 40_000

export interface Scenario {
  readonly broker: Broker
  readonly admin: Admin
  readonly registry: SchemaRegistry
  /** Of all processes that `run` started. */
  readonly signals: Signals
  readonly client: Client
  /** What `spillway topic apply` and `spillway schema register` do. */
  prepare(processors: readonly Processor[], messages?: readonly MessageDefinition[]): Promise<void>
  /** One process, with a connection of its own. It is stopped when the test ends, if it has not been. */
  run(processors: readonly Processor[], options?: Partial<ProcessOptions>): Promise<RunningProcess>
  /** Every signal of this name so far, and those to come. */
  heard<N extends SignalName>(name: N): readonly SignalMap[N][]
  /** All records of a topic, by partition. */
  records(topic: string): Promise<BrokerRecord[]>
  /** The trails of a tier or a DLQ, by partition. */
  trails(topic: string): Promise<Trail[]>
  /** Puts bytes on a topic, as a producer that knows nothing of Spillway. */
  put(topic: string, record: { key?: string; value: Buffer | null; headers?: Headers; partition?: number }): Promise<void>
  /** The bytes of a payload as a publisher would write them. */
  encode(definition: MessageDefinition, payload: unknown): Promise<Buffer>
  /** What `spillway dlq redrive --execute` does. Resolves when the group can see what was moved. */
  redrive(group: string, options?: Partial<RedriveOptions>, producer?: TransactionalProducer): Promise<RedriveResult>
  /** Resolves when the group has committed everything that its sources and tiers hold. */
  drained(processor: Processor): Promise<void>
}

/** `brokers`: default the shared one. */
export async function openScenario(brokers: readonly string[] = inject('brokers')): Promise<Scenario> {
  const broker = connect(brokers)
  const registry = connectRegistry({ url: inject('registryUrl') })
  const admin = broker.admin()
  const producer = broker.producer()
  const signals = new Signals()
  const scenario: Scenario = {
    broker,
    admin,
    registry,
    signals,
    client: createClient({ producer, registry, source: 'scenario' }),
    prepare: (processors, messages = []) => prepare(admin, registry, processors, messages),
    run: (processors, options = {}) => run(connect(brokers), registry, signals, processors, options),
    heard: name => heard(signals, name),
    records: topic => recordsOf(broker, admin, topic),
    trails: async topic => (await recordsOf(broker, admin, topic)).map(({ headers }) => readTrail(headers)!),
    put: async (topic, { key, value, headers = [], partition = 0 }) => {
      const record = { topic, partition, key: key === undefined ? null : Buffer.from(key), value, headers }
      await producer.sendBatch(topic, partition, [record])
    },
    encode: async ({ schema, topic, type }, payload) =>
      codecOf(schema).encode(await registry.idOf(subjectOf(topic.name, type, topic.subjects), schema), payload),
    redrive: (group, options, producer) => redrive(broker, admin, group, options, producer),
    drained: processor => drained(admin, processor),
  }
  return scenario
}

function connect(brokers: readonly string[]): ReturnType<typeof connectKafka> {
  const broker = connectKafka({ brokers: [...brokers], clientId: unique('scenario') })
  onTestFinished(() => broker.close())
  return broker
}

async function prepare(
  admin: Admin,
  registry: SchemaRegistry,
  processors: readonly Processor[],
  messages: readonly MessageDefinition[],
): Promise<void> {
  const service = defineService({ name: unique('service'), processors, messages })
  await admin.createTopics(topicsOf(service).map(topic => ({ ...topic, replicationFactor: 1 })))
  const subjects = service.messages.map(({ topic, type, schema }) => ({
    subject: subjectOf(topic.name, type, topic.subjects),
    schema,
  }))
  await registerSchemas(registry, subjects)
}

async function run(
  broker: Broker,
  registry: SchemaRegistry,
  signals: Signals,
  processors: readonly Processor[],
  options: Partial<ProcessOptions>,
): Promise<RunningProcess> {
  const logger = createLogger({ level: 'silent' })
  const running = await startProcess({ name: 'scenario', processors, broker, registry, signals, logger, ...options })
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= running.stop())
  onTestFinished(stop)
  return { ...running, stop }
}

function heard<N extends SignalName>(signals: Signals, name: N): SignalMap[N][] {
  const all: SignalMap[N][] = []
  signals.on(name, signal => all.push(signal))
  return all
}

async function recordsOf(broker: Broker, admin: Admin, topic: string): Promise<BrokerRecord[]> {
  const reader = broker.reader()
  const records: BrokerRecord[] = []
  for (const { partition, low, high } of await admin.bounds(topic)) {
    if (low < high) await reader.read({ topic, partition, from: low, to: high }, record => void records.push(record))
  }
  await reader.close()
  return records
}

async function redrive(
  broker: Broker,
  admin: Admin,
  group: string,
  options: Partial<RedriveOptions> = {},
  producer = broker.transactionalProducer(namesOf({ group }).transactionalId),
): Promise<RedriveResult> {
  const target = immediateTopic(group)
  const size = async () => (await admin.bounds(target)).reduce((sum, { high }) => sum + high, 0n)
  const before = await size()
  const asked = { runId: unique('run'), who: 'ops', reason: 'mended', ...options }
  const result = await runRedrive({ reader: broker.reader(), admin, group }, producer, asked)
  // What is committed is seen a little later.
  const seen = async () => (await size()) >= before + BigInt(result.moved)
  if (!options.target) await until(seen, { withinMs: patienceMs, what: `${result.moved} letters to be seen in ${target}` })
  return result
}

async function drained(admin: Admin, processor: Processor): Promise<void> {
  const topics = [...sourceTopics(processor), ...[processor.ladder.immediate, ...processor.ladder.tiers].map(tier => tier.topic)]
  await until(
    async () => {
      // The commits first: read the other way round, what comes in between would count as committed.
      const committed = await admin.committed(processor.name, topics)
      const ends = await Promise.all(topics.map(async topic => ({ topic, bounds: await admin.bounds(topic) })))
      return ends.every(({ topic, bounds }) =>
        bounds.every(({ partition, high }) =>
          committed.some(at => at.topic === topic && at.partition === partition && (at.offset === high || high === 0n)),
        ),
      )
    },
    { withinMs: patienceMs, what: `${processor.name} to have committed everything` },
  )
}
