import type { AssignedPartition, OffsetReset, TopicPartition } from '../port.ts'
import { earliest, latest, listOffsets, type PartitionOffset } from './cluster.ts'
import type { ConsumerGroup, ProtocolTopic } from './internals.ts'

/** The metadata of a commit that only says where a group began, and with how many partitions. Anyone else reads nothing in it. */
const beganAt = /^s1:start:(\d{1,6})$/

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
  const [commits, lows, ends, stable] = await Promise.all([
    committed(group, [...assigned, ...startAtEnd.flatMap(topic => allPartitions(group, topic))]),
    listOffsets(group.cluster, assigned, earliest, 1).then(indexed),
    // The high watermark: a commit between it and the end of what is committed is in range.
    listOffsets(group.cluster, assigned, latest, 0).then(indexed),
    listOffsets(group.cluster, assigned, latest, 1).then(indexed),
  ])
  const beginning = countBeginning(group, startAtEnd, commits, before)
  const fromEnd = assigned.filter(one => !commits.has(keyOf(one)) && one.partition < (beginning.get(one.topic) ?? 0))
  await commitEnds(group, fromEnd, stable, beginning)
  const resets: OffsetReset[] = []
  const positions = assigned.map(one => {
    const key = keyOf(one)
    const low = lows.get(key)!
    const end = stable.get(key)!
    const commit = commits.get(key)
    if (commit === undefined) return { ...one, position: fromEnd.includes(one) ? end : low, metadata: '', end }
    const reason = lossOf(commit.offset, low, ends.get(key)!)
    if (reason === undefined) return { ...one, position: commit.offset, metadata: commit.metadata, end }
    resets.push({ ...one, from: commit.offset, to: low, reason })
    return { ...one, position: low, metadata: '', end }
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
 * How many partitions of each topic begin at their end: all there were when the group began. One that is added later is read from
 * its start, or what was published to it before it was noticed would be passed over.
 */
function countBeginning(
  group: ConsumerGroup,
  topics: readonly string[],
  commits: ReadonlyMap<string, Commit>,
  before: ReadonlySet<string>,
): Map<string, number> {
  return new Map(
    topics.map(topic => {
      const partitions = allPartitions(group, topic)
      const marks = partitions.flatMap(one => commits.get(keyOf(one))?.metadata ?? [])
      const counts = marks.map(mark => Number(beganAt.exec(mark)?.[1] ?? 0))
      // Begun once in this process, and no commit any more: the broker has forgotten them with a topic that was deleted.
      const isForgotten = before.has(topic) && marks.length === 0
      return [topic, isForgotten ? 0 : Math.min(partitions.length, ...counts)]
    }),
  )
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
  beginning: ReadonlyMap<string, number>,
): Promise<void> {
  if (partitions.length === 0) return
  await group.coordinator.offsetCommit({
    groupId: group.groupId,
    memberId: group.memberId!,
    groupGenerationId: group.generationId,
    topics: toProtocol(
      partitions.map(one => ({ ...one, offset: ends.get(keyOf(one))!, metadata: `s1:start:${beginning.get(one.topic)}` })),
    ),
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
