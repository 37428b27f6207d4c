/** From positions to the offsets that they mean in each partition, now. */
import type { Admin, CommittedOffset, TopicPartition } from '../broker/port.ts'
import type { Position } from './position.ts'

/** from <= offset < to. */
export interface PartitionRange extends TopicPartition {
  readonly from: bigint
  readonly to: bigint
}

/** The group that positions may be relative to. */
export interface Reference {
  readonly group: string
  /** Where it begins in a partition in which it has committed nothing. */
  readonly start: 'earliest' | 'latest'
}

export interface Where extends TopicPartition {
  /** The first offset there is. */
  readonly low: bigint
  /** The next one to be written, for readers of committed records. */
  readonly high: bigint
  /** Where the group goes on. */
  readonly committed: bigint
  /** Whether it has committed that, or would only begin there. */
  readonly hasCommitted: boolean
}

/** Every partition of these topics. Rejects with BrokerRefused (E_BROKER_REFUSED) when one does not exist. */
export async function whereabouts(admin: Admin, { group, start }: Reference, topics: readonly string[]): Promise<Where[]> {
  const found: Where[] = []
  for (const topic of topics) {
    const bounds = await admin.bounds(topic)
    const commits = await admin.committed(group, [topic])
    for (const { partition, low, high } of bounds) {
      const commit = commitOf(commits, { topic, partition })
      found.push({
        topic,
        partition,
        low,
        high,
        committed: commit ?? (start === 'latest' ? high : low),
        hasCommitted: commit !== undefined,
      })
    }
  }
  return found
}

/** What is outside of what there is begins, or ends, at its edge; a range that would end before it begins is empty. */
export async function resolveRanges(
  admin: Admin,
  reference: Reference,
  topics: readonly string[],
  { from, to }: { readonly from: Position; readonly to: Position },
): Promise<PartitionRange[]> {
  const places = await whereabouts(admin, reference, topics)
  const begins = await resolve(admin, places, from)
  const ends = await resolve(admin, places, to)
  return places.map(({ topic, partition }, i) => {
    const begin = begins[i]!
    const end = ends[i]!
    return { topic, partition, from: begin, to: end > begin ? end : begin }
  })
}

/** The offset of the position in each of these partitions. */
export async function resolve(admin: Admin, places: readonly Where[], position: Position): Promise<bigint[]> {
  const times = position.kind === 'time' ? await offsetsAt(admin, places, position.timeMs) : undefined
  return places.map((place, i) => {
    const offset = times?.[i] ?? offsetIn(place, position)
    return offset < place.low ? place.low : offset > place.high ? place.high : offset
  })
}

function offsetIn({ low, high, committed }: Where, position: Position): bigint {
  switch (position.kind) {
    case 'start':
      return low
    case 'offset':
      return position.offset
    case 'committed':
      return committed + position.plus
    default:
      return high
  }
}

async function offsetsAt(admin: Admin, places: readonly Where[], timeMs: number): Promise<bigint[]> {
  const byPlace = new Map<string, bigint>()
  for (const topic of new Set(places.map(place => place.topic)))
    for (const { partition, offset } of await admin.offsetsAt(topic, timeMs)) byPlace.set(`${topic}/${partition}`, offset)
  // A partition that was added meanwhile has nothing of before.
  return places.map(({ topic, partition, high }) => byPlace.get(`${topic}/${partition}`) ?? high)
}

function commitOf(commits: readonly CommittedOffset[], at: TopicPartition): bigint | undefined {
  const commit = commits.find(one => one.topic === at.topic && one.partition === at.partition)
  return commit && commit.offset >= 0n ? commit.offset : undefined
}
