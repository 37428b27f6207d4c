/** How far a group is, from what lies in the cluster: its commits, its tiers and its DLQ. */
import { firstRecord } from '../broker/first-record.ts'
import type { Admin, BrokerRecord, CommittedOffset, GroupState, Reader } from '../broker/port.ts'
import { type Processor, sourceTopics, tierTopics } from '../consume/processor.ts'
import { countLetters, oldestLetter } from '../dlq/read.ts'
import { codeOf } from '../errors.ts'
import { tierTopic } from '../topic/names.ts'
import { readTrail } from '../topic/trail.ts'

/** How far one group is. Undefined counts: the topic does not exist. */
export interface GroupStatus {
  readonly group: string
  readonly kind: Processor['kind']
  /** Kafka's word; Dead for a group that never ran. */
  readonly state: string
  readonly members: number
  readonly topics: readonly TopicLag[]
  /** Shortest delay first. */
  readonly waiting: readonly TierLag[]
  /** Letters in the DLQ that were neither redriven nor purged. */
  readonly dead: bigint | undefined
  /** When the first of them was written. */
  readonly oldestDeadMs: number | undefined
}

export interface TopicLag {
  readonly topic: string
  /** Records of the source that are not known to be finished. */
  readonly lag: bigint | undefined
  /** The timestamp of the first of them. Milliseconds since 1970, as are all times here. */
  readonly oldestMs: number | undefined
}

export interface TierLag {
  readonly tier: string
  readonly topic: string
  /** Records that wait in it. */
  readonly records: bigint | undefined
  /** When the next one is due. */
  readonly nextDueMs: number | undefined
}

export interface Cluster {
  readonly admin: Admin
  readonly reader: Reader
  /** The topics there are. */
  readonly existing: ReadonlySet<string>
}

export async function groupStatus(cluster: Cluster, processor: Processor, state: GroupState | undefined): Promise<GroupStatus> {
  const { name, kind } = processor
  const { admin, existing } = cluster
  const sources = sourceTopics(processor)
  const tiers = tierTopics(processor, existing)
  const present = [...sources, ...tiers].filter(topic => existing.has(topic))
  const committed = await admin.committed(name, present)
  const rest = new Map<string, Unfinished>()
  for (const topic of present) rest.set(topic, await unfinished(cluster, topic, committed))
  const tierLag = (topic: string): TierLag => {
    const { records, heads } = rest.get(topic) ?? {}
    const tier = topic.slice(tierTopic(name, '0s').length - 2)
    return {
      tier,
      topic,
      records,
      nextDueMs: earliest(heads, record => readTrail(record.headers)?.dueAtMs ?? record.timestampMs),
    }
  }
  return {
    group: name,
    kind,
    state: state?.state ?? 'Dead',
    members: state?.members ?? 0,
    topics: sources.map(topic => {
      const { records, heads } = rest.get(topic) ?? {}
      return { topic, lag: records, oldestMs: earliest(heads, ({ timestampMs }) => timestampMs) }
    }),
    waiting: tiers.map(tierLag),
    ...(await deadLetters(cluster, name)),
  }
}

interface Unfinished {
  readonly records: bigint
  /** The first of each partition. */
  readonly heads: readonly BrokerRecord[]
}

/** Where a group has committed nothing, everything there is; what retention has removed since a commit is gone. */
async function unfinished({ admin, reader }: Cluster, topic: string, committed: readonly CommittedOffset[]): Promise<Unfinished> {
  let records = 0n
  const heads: BrokerRecord[] = []
  for (const { partition, low, high } of await admin.bounds(topic)) {
    const position = committed.find(one => one.topic === topic && one.partition === partition)?.offset ?? -1n
    const from = position > low ? position : low
    if (high <= from) continue
    records += high - from
    const head = await firstRecord(reader, { topic, partition, from, to: high })
    if (head) heads.push(head)
  }
  return { records, heads }
}

function earliest(heads: readonly BrokerRecord[] | undefined, timeOf: (record: BrokerRecord) => number): number | undefined {
  return heads && heads.length > 0 ? Math.min(...heads.map(timeOf)) : undefined
}

async function deadLetters(
  { reader, admin }: Cluster,
  group: string,
): Promise<{ dead: bigint | undefined; oldestDeadMs: number | undefined }> {
  try {
    const { left } = await countLetters({ reader, admin, group })
    return { dead: BigInt(left), oldestDeadMs: left > 0 ? await oldestLetter({ reader, admin, group }) : undefined }
  } catch (error) {
    if (codeOf(error) === 'E_NO_DLQ') return { dead: undefined, oldestDeadMs: undefined }
    throw error
  }
}
