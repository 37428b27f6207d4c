/** What the broker as a whole holds: topics and groups. */
import { BrokerRefused } from '../../errors.ts'
import type { TopicSpec } from '../port.ts'
import { Group } from './group.ts'
import { TopicLog } from './log.ts'

/** A cluster in memory is one broker, so no topic can have more replicas. */
export const brokers = 1
const legalTopic = /^[a-zA-Z0-9._-]{1,249}$/

export class Cluster {
  readonly topics = new Map<string, TopicLog>()
  readonly groups = new Map<string, Group>()
  /** Of each transactional id: how many producers have connected with it. Only the last one may write. */
  readonly epochs = new Map<string, number>()
  /** Milliseconds since 1970. */
  readonly clock: () => number

  constructor(clock: () => number) {
    this.clock = clock
  }

  /** Throws BrokerRefused when there is no such topic: none is created by use. */
  topic(name: string): TopicLog {
    const topic = this.topics.get(name)
    if (!topic) throw new BrokerRefused(`there is no topic '${name}'`)
    return topic
  }

  group(name: string): Group {
    const group = this.groups.get(name) ?? new Group(name, topic => this.topic(topic))
    this.groups.set(name, group)
    return group
  }

  createTopic(spec: TopicSpec): void {
    if (this.topics.has(spec.name)) return
    if (!legalTopic.test(spec.name) || spec.name === '.' || spec.name === '..')
      throw new BrokerRefused(`'${spec.name}' is no legal topic name`)
    if (!(spec.partitions >= 1)) throw new BrokerRefused(`topic '${spec.name}' cannot have ${spec.partitions} partitions`)
    if (spec.replicationFactor > brokers)
      throw new BrokerRefused(`topic '${spec.name}' cannot have ${spec.replicationFactor} replicas on ${brokers} broker`)
    this.topics.set(spec.name, new TopicLog(spec.name, spec.partitions, spec.config))
  }

  addPartitions(name: string, partitions: number): void {
    const topic = this.topic(name)
    const present = topic.partitions.length
    if (partitions <= present)
      throw new BrokerRefused(`topic '${name}' has ${present} partitions, it cannot be given ${partitions}`)
    topic.grow(partitions)
    for (const group of this.groups.values()) group.topicGrew(name)
  }
}
