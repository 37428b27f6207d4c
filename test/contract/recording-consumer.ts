/** A consumer that writes down what happens to it. */
import { onTestFinished } from 'vitest'
import type {
  AssignedPartition,
  Assigner,
  Broker,
  BrokerRecord,
  CommittedOffset,
  GroupConsumer,
  GroupConsumerOptions,
  GroupMember,
  OffsetReset,
  TopicPartition,
} from '../../src/broker/port.ts'
import { until } from '../until.ts'

export interface Happening {
  readonly what: 'assigned' | 'records' | 'revoking' | 'revoked' | 'crash'
  readonly partitions: readonly string[]
}

export interface RecordingConsumer extends GroupConsumer {
  readonly happenings: readonly Happening[]
  /** In the order of handing over. */
  readonly records: readonly BrokerRecord[]
  /** Values of `records` as text. */
  values(): (string | undefined)[]
  /** What it was assigned last and has not been asked to give up; undefined when it was. */
  assignment(): readonly AssignedPartition[] | undefined
  /** The highest position that was reported, by `topic/partition`. */
  readonly positions: ReadonlyMap<string, bigint>
  /** The end that was reported last, by `topic/partition`. */
  readonly ends: ReadonlyMap<string, bigint>
  readonly resets: readonly OffsetReset[]
  /** Commits everything handed over so far, of what is assigned. */
  commitAll(): Promise<void>
}

export interface RecordingOptions extends Partial<GroupConsumerOptions> {
  readonly group: string
  readonly topics: readonly string[]
  /** Commits all that was handed over when the assignment is about to go. Default true. */
  readonly commitOnRevoking?: boolean
}

/** Long enough for a join on a busy machine. Milliseconds. */
export const patience = { withinMs: 30_000 }

/** Partition p of every topic goes to the same member. */
export const coPartitioned: Assigner = { name: 'it-co-partitioned', assign: assignByPartition }

/** Started, and assigned at least once. It is stopped when the test ends. */
export async function startConsumer(broker: Broker, options: RecordingOptions): Promise<RecordingConsumer> {
  const consumer = recordingConsumer(broker, options)
  await consumer.start()
  await until(() => consumer.happenings.some(({ what }) => what === 'assigned'), { ...patience, what: 'the first assignment' })
  return consumer
}

/** Not started yet. It is stopped when the test ends. */
export function recordingConsumer(broker: Broker, options: RecordingOptions): RecordingConsumer {
  const happenings: Happening[] = []
  const records: BrokerRecord[] = []
  const positions = new Map<string, bigint>()
  const ends = new Map<string, bigint>()
  const resets: OffsetReset[] = []
  let assignment: readonly AssignedPartition[] | undefined
  const note = (what: Happening['what'], partitions: readonly TopicPartition[]) =>
    void happenings.push({ what, partitions: partitions.map(nameOf) })

  const consumer = broker.consumer({
    startAtEnd: [],
    assigner: coPartitioned,
    rebalanceTimeoutMs: 15_000,
    sessionTimeoutMs: 15_000,
    ...options,
    async onAssigned(partitions) {
      assignment = partitions
      note('assigned', partitions)
      await options.onAssigned?.(partitions)
    },
    async onRecords(batch, heartbeat) {
      note('records', batch.slice(0, 1))
      records.push(...batch)
      await options.onRecords?.(batch, heartbeat)
    },
    onPosition(at, position, end) {
      positions.set(nameOf(at), position)
      ends.set(nameOf(at), end)
      options.onPosition?.(at, position, end)
    },
    onReset(reset) {
      resets.push(reset)
      options.onReset?.(reset)
    },
    async onRevoking() {
      const held = assignment
      const lost = held ?? []
      note('revoking', lost)
      await options.onRevoking?.()
      if (options.commitOnRevoking ?? true) await commitAll()
      // Too late, perhaps: then there is a new one.
      if (assignment === held) assignment = undefined
      note('revoked', lost)
    },
    onCrash(error) {
      note('crash', [])
      options.onCrash?.(error)
    },
  })
  const commitAll = async () => {
    const offsets = finished(records, assignment ?? [])
    if (offsets.length > 0) await consumer.commit(offsets)
  }
  onTestFinished(() => consumer.stop())

  return {
    start: () => consumer.start(),
    commit: offsets => consumer.commit(offsets),
    pause: partitions => consumer.pause(partitions),
    resume: partitions => consumer.resume(partitions),
    stop: () => consumer.stop(),
    happenings,
    records,
    positions,
    ends,
    resets,
    values: () => records.map(record => record.value?.toString()),
    assignment: () => assignment,
    commitAll,
  }
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** Behind the last record of each assigned partition. */
function finished(records: readonly BrokerRecord[], assigned: readonly AssignedPartition[]): CommittedOffset[] {
  return assigned.flatMap(({ topic, partition, position }) => {
    const last = records.findLast(record => record.topic === topic && record.partition === partition)
    return last && last.offset >= position ? { topic, partition, offset: last.offset + 1n, metadata: '' } : []
  })
}

function assignByPartition(members: readonly GroupMember[], counts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const given = new Map<string, TopicPartition[]>(sorted.map(member => [member.memberId, []]))
  for (const [topic, count] of counts) {
    for (let partition = 0; partition < count; partition++)
      given.get(sorted[partition % sorted.length]!.memberId)!.push({ topic, partition })
  }
  return given
}
