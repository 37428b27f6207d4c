import type { PartitionAssigner } from 'kafkajs'
import type { Assigner, TopicPartition } from '../port.ts'
import { describeTopics } from './cluster.ts'
import type { Cluster } from './internals.ts'
import { library } from './library.ts'

/** Our assigner as kafkajs wants it. `onCluster` is called at once, with the cluster of the consumer it is made for. */
export function kafkaJsAssigner(assigner: Assigner, onCluster: (cluster: Cluster) => void): PartitionAssigner {
  const { MemberMetadata, MemberAssignment } = library().AssignerProtocol
  return ({ cluster: given }) => {
    const cluster = given as unknown as Cluster
    onCluster(cluster)
    return {
      name: assigner.name,
      version: 1,
      protocol: ({ topics }) => ({
        name: assigner.name,
        metadata: MemberMetadata.encode({ version: 1, topics: [...topics].sort(), userData: Buffer.alloc(0) }),
      }),
      async assign({ members }) {
        const subscribed = members.map(({ memberId, memberMetadata }) => ({
          memberId,
          topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
        }))
        const assigned = assigner.assign(subscribed, await partitionCounts(cluster, subscribed))
        return members.map(({ memberId }) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({
            version: 1,
            assignment: byTopic(assigned.get(memberId) ?? []),
            userData: Buffer.alloc(0),
          }),
        }))
      },
    }
  }
}

/** Of the topics of all members: during a rollout the one that leads may not know them all. One that was deleted has no count. */
async function partitionCounts(
  cluster: Cluster,
  members: readonly { readonly topics: readonly string[] }[],
): Promise<Map<string, number>> {
  const topics = new Set(members.flatMap(member => member.topics))
  const found = await describeTopics(cluster, [...topics])
  return new Map(found.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]))
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const topics: Record<string, number[]> = Object.create(null)
  for (const { topic, partition } of partitions) {
    topics[topic] ??= []
    topics[topic].push(partition)
  }
  return topics
}
