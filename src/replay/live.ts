/** Moves the offsets of the group itself, so that its own processes handle a range again when they are started, or pass one over. */
import type { Admin, TopicPartition } from '../broker/port.ts'
import { sourcesOf } from '../process/replay-group.ts'
import { chosenTopics, type Replayed } from './plan.ts'
import type { Position } from './position.ts'
import { resolve, whereabouts } from './ranges.ts'

export interface PlannedMove extends TopicPartition {
  /** Undefined where the group has committed nothing. */
  readonly before: bigint | undefined
  readonly after: bigint
  /** Offsets that will be read again. */
  readonly again: bigint
  /** Offsets that will not be read at all. */
  readonly passedOver: bigint
}

export interface MovePlan {
  readonly group: string
  /** It can be moved only while there are none. */
  readonly members: number
  /** Those that are moved. Where the group stands already, the records that it has finished further on stay finished. */
  readonly partitions: readonly PlannedMove[]
  readonly unmoved: number
}

/** Rejects with UsageError (E_USAGE) and BrokerRefused (E_BROKER_REFUSED). */
export async function planMove(
  admin: Admin,
  processor: Replayed,
  position: Position,
  wantedTopics: readonly string[] | undefined,
): Promise<MovePlan> {
  const topics = chosenTopics(processor, wantedTopics)
  const group = processor.name
  const places = await whereabouts(admin, { group, start: sourcesOf(processor).start }, topics)
  const offsets = await resolve(admin, places, position)
  const [state] = await admin.groups([group])
  const moves = places.map(({ topic, partition, committed, hasCommitted }, i): PlannedMove => {
    const after = offsets[i]!
    return {
      topic,
      partition,
      before: hasCommitted ? committed : undefined,
      after,
      again: after < committed ? committed - after : 0n,
      passedOver: after > committed ? after - committed : 0n,
    }
  })
  const partitions = moves.filter(({ before, after }) => before !== after)
  return { group, members: state?.members ?? 0, partitions, unmoved: moves.length - partitions.length }
}

/**
 * All at once, or nothing: rejects with GroupActive (E_GROUP_ACTIVE) when the group has members by now. The commits say nothing of
 * records finished further on, so all from there on are handled, again or for the first time.
 */
export async function moveGroup(admin: Admin, { group, partitions }: MovePlan): Promise<void> {
  await admin.commit(
    group,
    partitions.map(({ topic, partition, after }) => ({ topic, partition, offset: after, metadata: '' })),
  )
}
