import type { Admin, TopicState } from '../port.ts'
import { brokers, type Cluster } from './cluster.ts'
import { defaultMaxMessageBytes, type TopicLog } from './log.ts'

export function memoryAdmin(cluster: Cluster): Admin {
  return {
    brokerCount: async () => brokers,
    maxBatchBytes: async () => defaultMaxMessageBytes,
    topicNames: async () => [...cluster.topics.keys()],
    topics: async names => names.flatMap(name => cluster.topics.get(name) ?? []).map(stateOf),
    createTopics: async specs => {
      for (const spec of specs) cluster.createTopic(spec)
    },
    addPartitions: async (name, partitions) => cluster.addPartitions(name, partitions),
    alterConfig: async (name, config) => {
      const topic = cluster.topic(name)
      topic.config = { ...topic.config, ...config }
    },
    bounds: async name => cluster.topic(name).partitions.map(({ at, high }) => ({ partition: at.partition, low: 0n, high })),
    committed: async (name, topics) => {
      const partitions = topics.flatMap(topic => cluster.topic(topic).partitions)
      return partitions.map(({ at }) => ({
        ...(cluster.groups.get(name)?.committed(at) ?? { ...at, offset: -1n, metadata: '' }),
      }))
    },
    offsetsAt: async (name, timeMs) =>
      cluster.topic(name).partitions.map(log => ({ partition: log.at.partition, offset: log.offsetAt(timeMs) })),
    commit: async (name, offsets) => cluster.group(name).commitFromOutside(offsets),
    deleteGroup: async name => {
      cluster.groups.get(name)?.refuseIfActive()
      cluster.groups.delete(name)
    },
    groups: async names => names.map(name => cluster.groups.get(name)?.state ?? { group: name, state: 'Dead', members: 0 }),
    close: async () => undefined,
  }
}

function stateOf(topic: TopicLog): TopicState {
  const { name, config, maxBatchBytes } = topic
  return { name, partitions: topic.partitions.length, replicationFactor: brokers, config: { ...config }, maxBatchBytes }
}
