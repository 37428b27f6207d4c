import type { AssignedPartition, OffsetReset, TopicPartition } from '../port.ts'
import { earliest, latest, listOffsets, type PartitionOffset } from './cluster.ts'
import type { ConsumerGroup, ProtocolTopic } from './internals.ts'

/** The metadata of a commit that only says where a group began. Read by anyone else, it says nothing. */
const beganHere = 's1:start'

export interface Starts {
  readonly positions: AssignedPartition[]
  /** Commits that the log no longer holds. */
  readonly resets: OffsetReset[]
}

/**
 * Where each assigned partition begins. Commits the end of those that begin there, so that no later start skips anything; `before`
 * are the topics on which this consumer has begun already, whose commits a broker forgets when they are made anew.
 */
export async function startingPositions(
  group: ConsumerGroup,
  startAtEnd: readonly string[],
  before: ReadonlySet<string>,
): Promise<Starts> {
  const assigned = group.assigned().flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
  if (assigned.length === 0) return { positions: [], resets: [] }
  const [commits, lows, ends] = await Promise.all([
    committed(group, [...assigned, ...startAtEnd.flatMap(topic => allPartitions(group, topic))]),
    listOffsets(group.cluster, assigned, earliest, 1).then(indexed),
    // The high watermark: a commit between it and the end of what is committed is in range.
    listOffsets(group.cluster, assigned, latest, 0).then(indexed),
  ])
  const begun = topicsBegun(group, startAtEnd, commits, before)
  const fromEnd = assigned.filter(one => startAtEnd.includes(one.topic) && !begun.has(one.topic) && !commits.has(keyOf(one)))
  const stable = indexed(await listOffsets(group.cluster, fromEnd, latest, 1))
  await commitEnds(group, fromEnd, stable)
  const resets: OffsetReset[] = []
  const positions = assigned.map(one => {
    const key = keyOf(one)
    const low = lows.get(key)!
    const commit = commits.get(key)
    if (commit === undefined) return { ...one, position: stable.get(key) ?? low, metadata: '' }
    const reason = lossOf(commit.offset, low, ends.get(key)!)
    if (reason === undefined) return { ...one, position: commit.offset, metadata: commit.metadata }
    resets.push({ ...one, from: commit.offset, to: low, reason })
    return { ...one, position: low, metadata: '' }
  })
  return { positions, resets }
}

/** Why a position cannot be read from; undefined when it can. Then all there is is read, never a silent jump to the end. */
export function lossOf(position: bigint, low: bigint, end: bigint): OffsetReset['reason'] | undefined {
  return position < low ? 'deleted' : position > end ? 'log-ends-before' : undefined
}

/** Makes kafkajs fetch from these positions. Both maps: it may have filled them by itself since the join. */
export function seed(group: ConsumerGroup, positions: readonly (TopicPartition & { readonly position: bigint })[]): void {
  const manager = group.offsetManager
  const committedOffsets = manager.committedOffsets()
  for (const { topic, partition, position } of positions) {
    committedOffsets[topic] ??= {}
    committedOffsets[topic][partition] = position.toString()
    manager.resolvedOffsets[topic] ??= {}
    manager.resolvedOffsets[topic][partition] = position.toString()
  }
}

interface Commit {
  readonly offset: bigint
  readonly metadata: string
}

/**
 * Topics on which the group has done more than begin. A partition that is added to one of these later is read from its start, or
 * what was published to it before it was noticed would be passed over.
 */
function topicsBegun(
  group: ConsumerGroup,
  topics: readonly string[],
  commits: ReadonlyMap<string, Commit>,
  before: ReadonlySet<string>,
): Set<string> {
  const hasBegun = (one: TopicPartition): boolean => (commits.get(keyOf(one))?.metadata ?? beganHere) !== beganHere
  const isForgotten = (topic: string): boolean =>
    before.has(topic) && allPartitions(group, topic).every(one => !commits.has(keyOf(one)))
  return new Set(topics.filter(topic => isForgotten(topic) || allPartitions(group, topic).some(hasBegun)))
}

function allPartitions(group: ConsumerGroup, topic: string): TopicPartition[] {
  return group.cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId }))
}

async function committed(group: ConsumerGroup, wanted: readonly TopicPartition[]): Promise<Map<string, Commit>> {
  const distinct = new Map(wanted.map(one => [keyOf(one), one]))
  const topics = [...Map.groupBy(distinct.values(), ({ topic }) => topic)].map(([topic, partitions]) => ({ topic, partitions }))
  const { responses } = await group.coordinator.offsetFetch({ groupId: group.groupId, topics })
  const commits = new Map<string, Commit>()
  for (const { topic, partitions } of responses) {
    for (const { partition, offset, metadata } of partitions) {
      // Negative is no commit; kafkajs itself used to write such.
      if (BigInt(offset) >= 0n) commits.set(keyOf({ topic, partition }), { offset: BigInt(offset), metadata: metadata ?? '' })
    }
  }
  if (responses.flatMap(({ partitions }) => partitions).length < distinct.size) throw new Error('not all commits were answered')
  return commits
}

async function commitEnds(
  group: ConsumerGroup,
  partitions: readonly TopicPartition[],
  ends: ReadonlyMap<string, bigint>,
): Promise<void> {
  if (partitions.length === 0) return
  await group.coordinator.offsetCommit({
    groupId: group.groupId,
    memberId: group.memberId!,
    groupGenerationId: group.generationId,
    topics: toProtocol(partitions.map(one => ({ ...one, offset: ends.get(keyOf(one))!, metadata: beganHere }))),
  })
}

export function toProtocol(offsets: readonly (TopicPartition & Commit)[]): ProtocolTopic[] {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>()
  for (const { topic, partition, offset, metadata } of offsets) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partition, offset: offset.toString(), metadata })
    topics.set(topic, partitions)
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function indexed(offsets: readonly PartitionOffset[]): Map<string, bigint> {
  return new Map(offsets.map(one => [keyOf(one), one.offset]))
}
