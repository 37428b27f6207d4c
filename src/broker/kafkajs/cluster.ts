/** The cluster object inside a kafkajs client: metadata, offsets and fetches without a group. */
import type { Kafka } from 'kafkajs'
import { protocolType } from './errors.ts'
import type { Cluster, Node, TopicMetadata } from './internals.ts'

/** kafkajs gives its cluster to nobody but the partition assigners of a consumer. */
export function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'never-joined',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster as unknown as Cluster
        return {
          name: 'never-used',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: '', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  return found!
}

export interface OpenCluster {
  connected(): Promise<Cluster>
  close(): Promise<void>
}

export function openCluster(cluster: Cluster): OpenCluster {
  let connecting: Promise<void> | undefined
  return {
    async connected() {
      connecting ??= cluster.connect()
      try {
        await connecting
      } catch (error) {
        connecting = undefined
        throw error
      }
      return cluster
    },
    async close() {
      await connecting?.catch(() => {})
      await cluster.disconnect().catch(() => {})
    },
  }
}

/** What the cluster knows of these topics, now. Those that do not exist are left out. */
export async function describeTopics(cluster: Cluster, topics: readonly string[]): Promise<TopicMetadata[]> {
  if (topics.length === 0) return []
  // Not addMultipleTargetTopics: a target topic that is deleted later makes every refresh of that cluster fail.
  const node = await anyNode(cluster)
  try {
    return [...(await node.metadata(topics)).topicMetadata]
  } catch (error) {
    if (protocolType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    if (topics.length === 1) return []
    // One missing topic fails the whole answer.
    const halves = [topics.slice(0, topics.length >> 1), topics.slice(topics.length >> 1)]
    return (await Promise.all(halves.map(half => describeTopics(cluster, half)))).flat()
  }
}

/** Runs `attempt` on a connected node; once more on a fresh connection, as the old one may have died unnoticed. */
async function anyNode(cluster: Cluster): Promise<Node> {
  try {
    return await cluster.brokerPool.findConnectedBroker()
  } catch {
    await cluster.connect()
    return await cluster.brokerPool.findConnectedBroker()
  }
}

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export const earliest = -2
export const latest = -1

/**
 * The first offset of each partition, or the next one to be written: for readers of committed records that is the first offset
 * of a transaction still open. Or, for a time in milliseconds since 1970, the first offset whose record is of then or later, -1
 * where there is none. The topics must be target topics of the cluster.
 */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  timestamp: number,
  isolationLevel: 0 | 1,
): Promise<PartitionOffset[]> {
  const answers = [...byLeader(cluster, partitions)].map(async ([nodeId, topics]) => {
    const node = await cluster.findBroker({ nodeId })
    const request = [...topics].map(([topic, numbers]) => ({
      topic,
      partitions: numbers.map(partition => ({ partition, timestamp })),
    }))
    return (await node.listOffsets({ isolationLevel, topics: request })).responses
  })
  return (await Promise.all(answers))
    .flat()
    .flatMap(({ topic, partitions: found }) =>
      found.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) })),
    )
}

function byLeader(
  cluster: Cluster,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Map<string, Map<string, number[]>> {
  const leaders = new Map<string, Map<string, number[]>>()
  for (const { topic, partition } of partitions) {
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) throw new Error(`${topic}[${partition}] has no leader in the metadata at hand`)
    const topics = leaders.get(nodeId) ?? new Map<string, number[]>()
    leaders.set(nodeId, topics.set(topic, [...(topics.get(topic) ?? []), partition]))
  }
  return leaders
}
