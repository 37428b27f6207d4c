/** Which topics a service needs, with which settings, and what has to be done about those that exist. Pure. */
import type { Topic } from '../message/definition.ts'
import type { Ladder } from './ladder.ts'
import { movedTopic } from './names.ts'

/** What a plan looks at: a Service is one. */
export interface PlannedService {
  readonly messages: readonly { readonly topic: Topic }[]
  readonly processors: readonly {
    readonly ladder: Ladder
    readonly subscriptions: readonly { readonly definition: { readonly topic: Topic } }[]
  }[]
}

export interface WantedTopic {
  readonly name: string
  readonly role: 'source' | 'tier' | 'dlq' | 'moved'
  /** Undefined for a source. */
  readonly group?: string
  readonly partitions: number
  /** The topics that decide how many partitions a topic of a group needs: the same partition number must exist. Empty otherwise. */
  readonly sources: readonly string[]
  readonly config: Readonly<Record<string, string>>
}

const day = 86_400_000
/** A group may stand still this long before a waiting record is lost: as long as Kafka keeps a source's records by default. */
const tierRestMs = 7 * day
const dlqRetentionMs = 30 * day
const maxBytes = 'max.message.bytes'
/** Kafka's own limit of a record batch, and the room for headers that a copy adds (the trail, and what a batch of one costs). */
const defaultMaxBytes = 1_048_588
const roomForTrail = 65_536

/** Sources first, then group by group; each topic once. */
export function topicsOf(service: PlannedService): WantedTopic[] {
  const handled = service.processors.flatMap(({ subscriptions }) => subscriptions.map(({ definition }) => definition))
  const sources = [...service.messages, ...handled].map(({ topic }) => sourceTopic(topic))
  const derived = service.processors.flatMap(({ ladder, subscriptions }) =>
    topicsOfGroup(
      ladder,
      subscriptions.map(({ definition }) => definition.topic),
    ),
  )
  return [...new Map([...sources, ...derived].map(topic => [topic.name, topic])).values()]
}

function sourceTopic({ name, partitions, config }: Topic): WantedTopic {
  return { name, role: 'source', partitions, sources: [], config }
}

function topicsOfGroup(ladder: Ladder, topics: readonly Topic[]): WantedTopic[] {
  const { group } = ladder
  const sources = [...new Set(topics.map(({ name }) => name))]
  const partitions = Math.max(1, ...topics.map(topic => topic.partitions))
  const largest = Math.max(...topics.map(({ config }) => Number(config[maxBytes] ?? defaultMaxBytes)))
  const copies = { 'cleanup.policy': 'delete', [maxBytes]: String(largest + roomForTrail) }
  const tiers = [ladder.immediate, ...ladder.waits].map(
    ({ topic, delayMs }): WantedTopic => ({
      name: topic,
      role: 'tier',
      group,
      partitions,
      sources,
      config: { ...copies, 'retention.ms': String(delayMs + tierRestMs) },
    }),
  )
  const dlq: WantedTopic = {
    name: ladder.dlq,
    role: 'dlq',
    group,
    partitions,
    sources,
    config: { ...copies, 'retention.ms': String(dlqRetentionMs) },
  }
  return [...tiers, dlq, { ...movedTopicWanted(movedTopic(group)), group }]
}

/**
 * Kept for ever: a letter whose entry here expired first would count as dead again and be redriven twice. Retention drops whole
 * segments, so letters may outlive their 30 days by any time; this topic has a record a redrive and is the audit trail too.
 */
export function movedTopicWanted(name: string): WantedTopic {
  return {
    name,
    role: 'moved',
    partitions: 1,
    sources: [],
    config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' },
  }
}

/** As the broker describes it. */
export interface ExistingTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Settings that differ from the broker's defaults. */
  readonly config: Readonly<Record<string, string>>
  /** How large a batch it takes, whoever has set that. */
  readonly maxBatchBytes?: number
}

export interface DiffOptions {
  /** Default: 3, or the number of brokers when there are fewer. */
  readonly replicationFactor?: number
  /** Default: 2 where there are 3 replicas or more, else the broker's own. */
  readonly minInsyncReplicas?: number
  /** Growing a source topic moves entities to other partitions: their order against what they have there is lost. Default false. */
  readonly allowPartitionIncrease?: boolean
  /** How large a batch a topic takes that sets nothing itself. Default: Kafka's. */
  readonly maxBatchBytes?: number | undefined
}

export type TopicChange =
  | {
      readonly kind: 'create'
      readonly topic: string
      readonly partitions: number
      readonly replicationFactor: number
      readonly config: Readonly<Record<string, string>>
    }
  | { readonly kind: 'grow'; readonly topic: string; readonly from: number; readonly to: number }
  | {
      readonly kind: 'alter'
      readonly topic: string
      readonly settings: readonly { readonly name: string; readonly from: string | undefined; readonly to: string }[]
    }
  /** Needed, but not done unless it is allowed. */
  | { readonly kind: 'refused'; readonly topic: string; readonly reason: string }
  /** Differs in a way that is not changed from here. */
  | { readonly kind: 'problem'; readonly topic: string; readonly reason: string }
  | { readonly kind: 'fine'; readonly topic: string }

/**
 * What to do, in the order in which it must be done: the topics of a group are created and grown before its sources, since a
 * source partition without its twin does not start.
 */
export function diffTopics(
  wanted: readonly WantedTopic[],
  existing: readonly ExistingTopic[],
  brokerCount: number,
  options: DiffOptions = {},
): TopicChange[] {
  const found = new Map(existing.map(topic => [topic.name, topic]))
  const replicas = options.replicationFactor ?? Math.min(3, Math.max(1, brokerCount))
  const target = wanted.map(topic => ({
    ...topic,
    partitions: partitionsFor(topic, wanted, found, options),
    // By the replicas that the topic really has: more in-sync ones than that, and nobody could write to it any more.
    config: {
      ...insync(found.get(topic.name)?.replicationFactor ?? replicas, options),
      ...(topic.sources.length === 0 ? topic.config : configOfCopies(topic, wanted, found, options)),
    },
  }))
  const ordered = [...target.filter(topic => topic.role !== 'source'), ...target.filter(topic => topic.role === 'source')]
  return ordered.flatMap((topic): TopicChange[] => {
    const state = found.get(topic.name)
    if (!state) {
      const { name, partitions, config } = topic
      return [{ kind: 'create', topic: name, partitions, replicationFactor: replicas, config }]
    }
    const changes = [
      ...partitionChanges(topic, state, options),
      ...configChanges(topic, state),
      ...replicaProblems(state, replicas),
    ]
    return changes.length > 0 ? changes : [{ kind: 'fine', topic: topic.name }]
  })
}

/** Of a topic of a group: as many as its sources will have, which may be more than they are wanted to have. */
function partitionsFor(
  topic: WantedTopic,
  wanted: readonly WantedTopic[],
  found: ReadonlyMap<string, ExistingTopic>,
  options: DiffOptions,
): number {
  if (topic.sources.length === 0) return topic.partitions
  const counts = topic.sources.map(name => {
    const want = wanted.find(one => one.name === name)?.partitions ?? topic.partitions
    const have = found.get(name)?.partitions
    if (have === undefined) return want
    return options.allowPartitionIncrease ? Math.max(have, want) : have
  })
  return Math.max(...counts)
}

/** Of a topic of a group: with room for the copies of all that its sources really take, which may be more than they are wanted to. */
function configOfCopies(
  { name, sources, config }: WantedTopic,
  wanted: readonly WantedTopic[],
  found: ReadonlyMap<string, ExistingTopic>,
  options: DiffOptions,
): Record<string, string> {
  const taken = sources.map(source => {
    const want = wanted.find(one => one.name === source)?.config[maxBytes]
    const have = found.get(source)?.maxBatchBytes ?? Number(want ?? options.maxBatchBytes ?? defaultMaxBytes)
    return Math.max(have, Number(want ?? 0))
  })
  const needed = Math.max(...taken) + roomForTrail
  const state = found.get(name)
  const { [maxBytes]: _, ...rest } = config
  // One that takes more is left alone: what lies there may need it.
  const isEnough = state !== undefined && (state.maxBatchBytes ?? Number(state.config[maxBytes] ?? 0)) >= needed
  return isEnough ? rest : { ...config, [maxBytes]: String(needed) }
}

function insync(replicas: number, options: DiffOptions): Record<string, string> {
  const count = options.minInsyncReplicas ?? (replicas >= 3 ? 2 : undefined)
  return count === undefined || count > replicas ? {} : { 'min.insync.replicas': String(count) }
}

function partitionChanges(topic: WantedTopic, state: ExistingTopic, options: DiffOptions): TopicChange[] {
  const { name, role, partitions } = topic
  if (state.partitions === partitions) return []
  if (state.partitions > partitions) {
    // More than its sources have does a group's topic no harm; only the source's own number is worth a word.
    if (role !== 'source') return []
    const reason = `it has ${state.partitions} partitions, ${partitions} are wanted: partitions cannot be taken away`
    return [{ kind: 'problem', topic: name, reason }]
  }
  if (role === 'source' && !options.allowPartitionIncrease) {
    const reason = `it has ${state.partitions} partitions, ${partitions} are wanted: growing it moves entities to other partitions and breaks their order; allow it with --allow-partition-increase`
    return [{ kind: 'refused', topic: name, reason }]
  }
  return [{ kind: 'grow', topic: name, from: state.partitions, to: partitions }]
}

function configChanges(topic: WantedTopic, state: ExistingTopic): TopicChange[] {
  const settings = Object.entries(topic.config)
    .filter(([name, value]) => state.config[name] !== value)
    .map(([name, to]) => ({ name, from: state.config[name], to }))
  if (settings.length === 0) return []
  return [{ kind: 'alter', topic: topic.name, settings }]
}

function replicaProblems({ name, replicationFactor }: ExistingTopic, wanted: number): TopicChange[] {
  if (replicationFactor >= wanted) return []
  const reason = `its replication factor is ${replicationFactor}, ${wanted} is wanted: raise it with Kafka's own kafka-reassign-partitions`
  return [{ kind: 'problem', topic: name, reason }]
}
