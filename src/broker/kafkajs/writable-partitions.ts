import { BrokerRefused } from '../../errors.ts'
import type { Client } from './client.ts'
import { describeTopics } from './cluster.ts'

export interface WritablePartitions {
  /** How many partitions the topic has, at most 5 minutes old. Rejects with BrokerRefused when there is no such topic. */
  partitionsOf(topic: string): Promise<number>
  /** Rejects with BrokerRefused when there is no such partition. Asks the broker once, until it is told to forget. */
  verify(topic: string, partition: number): Promise<void>
  forget(topic: string, partition: number): void
}

const partitionCountMs = 5 * 60_000

/** kafkajs asks for half a minute after a topic that does not exist, and for a partition that does not it answers nothing. */
export function writablePartitions(client: Client): WritablePartitions {
  const verified = new Set<string>()
  const counts = new Map<string, { readonly count: Promise<number>; readonly until: number }>()

  async function partitionsOf(topic: string): Promise<number> {
    const known = counts.get(topic)
    if (known !== undefined && known.until > Date.now()) return known.count
    const count = countPartitions(client, topic)
    counts.set(topic, { count, until: Date.now() + partitionCountMs })
    count.catch(() => counts.delete(topic))
    return count
  }

  async function verify(topic: string, partition: number): Promise<void> {
    if (verified.has(`${topic}/${partition}`)) return
    if (partition >= (await partitionsOf(topic))) {
      counts.delete(topic)
      const count = await partitionsOf(topic)
      if (partition >= count) throw new BrokerRefused(`There is no partition ${partition} of ${topic}, which has ${count}`)
    }
    verified.add(`${topic}/${partition}`)
  }

  return { partitionsOf, verify, forget: (topic, partition) => void verified.delete(`${topic}/${partition}`) }
}

async function countPartitions(client: Client, topic: string): Promise<number> {
  const doing = `find the partitions of ${topic}`
  try {
    const [found] = await describeTopics(await client.cluster(), [topic])
    if (found !== undefined) return found.partitionMetadata.length
  } catch (error) {
    throw client.failure(doing, error)
  }
  throw new BrokerRefused(
    `There is no topic ${topic} on ${client.brokers.join(', ')}. Create it with \`spillway topic apply\` if it belongs to this service`,
  )
}
