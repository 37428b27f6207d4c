import { setTimeout as pause } from 'node:timers/promises'
import type { Admin as KafkaJsAdmin } from 'kafkajs'
import type { Admin, PartitionBounds, PartitionOffset, TopicPartition, TopicSpec, TopicState } from '../port.ts'
import type { Client } from './client.ts'
import { describeTopics, earliest, latest, listOffsets } from './cluster.ts'
import { meansStaleMetadata, protocolType } from './errors.ts'
import { commitFor, committedOffsets, deleteGroup } from './group-admin.ts'
import type { Cluster } from './internals.ts'

const topicResource = 2
const brokerResource = 4
const readyWithinMs = 30_000

export function kafkaAdmin(client: Client): Admin {
  const connection = lazyAdmin(client)
  const call = async <Result>(doing: string, run: (admin: KafkaJsAdmin) => Promise<Result>): Promise<Result> => {
    try {
      return await run(await connection.connected())
    } catch (error) {
      throw client.failure(doing, error)
    }
  }
  return {
    brokerCount: () => call('count the brokers', async admin => (await admin.describeCluster()).brokers.length),
    maxBatchBytes: () => call('ask for the settings of the brokers', maxBatchBytes),
    topicNames: () => call('list the topics', admin => admin.listTopics()),
    topics: (names, { config = true } = {}) =>
      call(`describe the topics ${names.join(', ')}`, admin => topicStates(client, admin, names, config)),
    createTopics: specs =>
      call(`create the topics ${specs.map(({ name }) => name).join(', ')}`, async admin => {
        await createMissing(admin, specs)
        await waitUntilLed(client, specs)
      }),
    addPartitions: (topic, partitions) =>
      call(`raise ${topic} to ${partitions} partitions`, async admin => {
        await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
        await waitUntilLed(client, [{ name: topic, partitions }])
      }),
    alterConfig: (topic, config) => call(`configure ${topic}`, admin => alterConfig(admin, topic, config)),
    bounds: topic => call(`find the offsets of ${topic}`, () => boundsOf(client, topic)),
    offsetsAt: (topic, timeMs) => call(`find the offsets of ${topic} at a time`, () => offsetsAt(client, topic, timeMs)),
    committed: (group, topics) => call(`find the commits of ${group}`, () => committedOffsets(client, group, topics)),
    commit: (group, offsets) => call(`commit for ${group}`, () => commitFor(client, group, offsets)),
    deleteGroup: group => call(`delete the group ${group}`, () => deleteGroup(client, group)),
    groups: names =>
      call(`describe the groups ${names.join(', ')}`, async admin => {
        if (names.length === 0) return []
        const { groups } = await admin.describeGroups([...names])
        return groups.map(({ groupId, state, members }) => ({ group: groupId, state, members: members.length }))
      }),
    close: () => connection.close(),
  }
}

function lazyAdmin(client: Client): { connected(): Promise<KafkaJsAdmin>; close(): Promise<void> } {
  let connecting: Promise<KafkaJsAdmin> | undefined
  const connect = async (): Promise<KafkaJsAdmin> => {
    await client.admitted()
    const admin = client.newKafka().admin()
    await admin.connect()
    return admin
  }
  return {
    connected() {
      connecting ??= connect().catch(error => {
        connecting = undefined
        throw error
      })
      return connecting
    },
    async close() {
      const admin = await connecting?.catch(() => undefined)
      connecting = undefined
      await admin?.disconnect().catch(() => {})
    },
  }
}

async function topicStates(
  client: Client,
  admin: KafkaJsAdmin,
  names: readonly string[],
  withConfig: boolean,
): Promise<TopicState[]> {
  const found = await describeTopics(await client.cluster(), [...new Set(names)])
  const topics = found.map(({ topic }) => topic)
  const settings = withConfig && topics.length > 0 ? await settingsOf(admin, topics) : new Map<string, TopicSettings>()
  return found.map(({ topic, partitionMetadata }) => ({
    name: topic,
    partitions: partitionMetadata.length,
    replicationFactor: partitionMetadata[0]?.replicas.length ?? 0,
    config: {},
    ...settings.get(topic),
  }))
}

type TopicSettings = Pick<TopicState, 'config' | 'maxBatchBytes'>

/** What is set for the topics themselves, and how large a batch they take all in all. */
async function settingsOf(admin: KafkaJsAdmin, topics: readonly string[]): Promise<Map<string, TopicSettings>> {
  const resources = topics.map(topic => ({ type: topicResource, name: topic }))
  const settings = new Map<string, TopicSettings>()
  for (const { resourceName, configEntries } of (await admin.describeConfigs({ resources, includeSynonyms: false })).resources) {
    // 1 is a setting of the topic itself; all others come from the broker. kafkajs's `isDefault` counts the broker's file as no default.
    const own = configEntries.filter(entry => (entry as unknown as { configSource: number }).configSource === 1)
    const config = Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
    const maxBatchBytes = numberOf(configEntries, 'max.message.bytes')
    settings.set(resourceName, { config, ...(maxBatchBytes !== undefined && { maxBatchBytes }) })
  }
  return settings
}

async function maxBatchBytes(admin: KafkaJsAdmin): Promise<number | undefined> {
  const { brokers } = await admin.describeCluster()
  const resources = brokers.slice(0, 1).map(({ nodeId }) => ({ type: brokerResource, name: String(nodeId) }))
  try {
    const described = await admin.describeConfigs({ resources, includeSynonyms: false })
    return numberOf(described.resources[0]?.configEntries ?? [], 'message.max.bytes')
  } catch (error) {
    if (protocolType(error) === 'CLUSTER_AUTHORIZATION_FAILED') return undefined
    throw error
  }
}

function numberOf(entries: readonly { configName: string; configValue: string }[], name: string): number | undefined {
  const value = Number(entries.find(({ configName }) => configName === name)?.configValue ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : undefined
}

async function createMissing(admin: KafkaJsAdmin, specs: readonly TopicSpec[]): Promise<void> {
  if (specs.length === 0) return
  const topics = specs.map(({ name, partitions, replicationFactor, config }) => ({
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(config).map(([entry, value]) => ({ name: entry, value })),
  }))
  try {
    await admin.createTopics({ topics, waitForLeaders: false, timeout: 15_000 })
  } catch (error) {
    // One error a topic, and those that are not among them have been created.
    const errors = (error as { errors?: unknown }).errors
    const serious = (Array.isArray(errors) ? errors : [error]).filter(one => protocolType(one) !== 'TOPIC_ALREADY_EXISTS')
    if (serious.length > 0) throw serious[0]
  }
}

// A fresh topic is unknown to some brokers, or without leaders, for a moment after it was created.
async function waitUntilLed(
  client: Client,
  wanted: readonly { readonly name: string; readonly partitions: number }[],
): Promise<void> {
  const names = wanted.map(({ name }) => name)
  const deadline = Date.now() + readyWithinMs
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    try {
      const found = await describeTopics(await client.cluster(), names)
      if (
        found.length === names.length &&
        found.every(({ partitionMetadata }) => partitionMetadata.every(({ leader }) => leader >= 0))
      )
        return
    } catch (error) {
      if (!meansStaleMetadata(error)) throw error
    }
    if (Date.now() > deadline) throw new Error(`not all partitions have a leader after ${readyWithinMs} ms`)
    await pause(wait)
  }
}

// AlterConfigs sets the whole configuration of a topic: what is not named falls back to the default.
async function alterConfig(admin: KafkaJsAdmin, topic: string, config: Readonly<Record<string, string>>): Promise<void> {
  const { resources } = await admin.describeConfigs({ resources: [{ type: topicResource, name: topic }], includeSynonyms: false })
  const entries = resources[0]?.configEntries ?? []
  const own = entries.filter(entry => (entry as unknown as { configSource: number }).configSource === 1 && !entry.isSensitive)
  const merged = new Map([
    ...own.map(({ configName, configValue }) => [configName, configValue] as const),
    ...Object.entries(config),
  ])
  const configEntries = [...merged].map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: topicResource, name: topic, configEntries }] })
}

async function boundsOf(client: Client, topic: string): Promise<PartitionBounds[]> {
  return listed(client, topic, async (cluster, partitions) => {
    const lows = await listOffsets(cluster, partitions, earliest, 1)
    const high = highs(await listOffsets(cluster, partitions, latest, 1))
    return lows.map(({ partition, offset }) => ({ partition, low: offset, high: high.get(partition) ?? offset }))
  })
}

async function offsetsAt(client: Client, topic: string, timeMs: number): Promise<PartitionOffset[]> {
  return listed(client, topic, async (cluster, partitions) => {
    // Negative numbers ask for other things than a time. And the end first: what is written meanwhile is not of before.
    const high = highs(await listOffsets(cluster, partitions, latest, 1))
    const found = await listOffsets(cluster, partitions, Math.max(0, timeMs), 1)
    return found.map(({ partition, offset }) => ({ partition, offset: offset < 0n ? (high.get(partition) ?? 0n) : offset }))
  })
}

function highs(offsets: readonly PartitionOffset[]): Map<number, bigint> {
  return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
}

/** Asks for all partitions of a topic, once more with fresh metadata when a leader has moved. */
async function listed<T extends { readonly partition: number }>(
  client: Client,
  topic: string,
  list: (cluster: Cluster, partitions: readonly TopicPartition[]) => Promise<T[]>,
): Promise<T[]> {
  const cluster = await client.cluster()
  await cluster.addMultipleTargetTopics([topic])
  const find = async (): Promise<T[]> => {
    await cluster.refreshMetadata()
    const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId }))
    return (await list(cluster, partitions)).sort((a, b) => a.partition - b.partition)
  }
  try {
    return await find()
  } catch (error) {
    if (!meansStaleMetadata(error)) throw error
    return await find()
  }
}
