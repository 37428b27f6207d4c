import type { AssignedPartition, TopicPartition } from '../port.ts'
import type { ConsumerGroup, FetchedBatch, Membership, OffsetManager } from './internals.ts'
import { keyOf } from './positions.ts'
import { nextOffset } from './records.ts'

/** What one join has given this member, until the next join or the leaving. */
export interface Assignment {
  readonly group: ConsumerGroup
  readonly member: Membership
  readonly offsets: OffsetManager
  readonly positions: Map<string, bigint>
  /** Where each partition ends, as of the last fetch. */
  readonly ends: Map<string, bigint>
  /** onAssigned has resolved: records may come. */
  open: boolean
  revoking: boolean
  drained: Promise<void> | undefined
  /** Resolves when onAssigned is through, either way. */
  readonly begun: Promise<void>
  readonly markBegun: () => void
  /**
   * Calls back when nothing of this is valid any more, at once if that is so already; what it gives makes it forget the callback. No
   * promise: that would keep, for as long as the assignment lasts, whatever has raced with it.
   */
  readonly whenEnded: (callback: () => void) => () => void
  readonly end: () => void
}

export function newAssignment(group: ConsumerGroup, partitions: readonly AssignedPartition[]): Assignment {
  const begun = Promise.withResolvers<void>()
  const waiting = new Set<() => void>()
  let hasEnded = false
  return {
    group,
    member: { groupId: group.groupId, memberId: group.memberId!, groupGenerationId: group.generationId },
    offsets: group.offsetManager,
    positions: new Map(partitions.map(one => [keyOf(one), one.position])),
    ends: new Map(),
    open: false,
    revoking: false,
    drained: undefined,
    begun: begun.promise,
    markBegun: begun.resolve,
    whenEnded(callback) {
      if (hasEnded) callback()
      else waiting.add(callback)
      return () => waiting.delete(callback)
    },
    end() {
      hasEnded = true
      for (const callback of waiting) callback()
      waiting.clear()
    },
  }
}

/** Moves the place that is fetched next. False when it was there already. */
export function advance(assignment: Assignment, target: TopicPartition, next: bigint): boolean {
  const key = keyOf(target)
  const position = assignment.positions.get(key)
  if (position === undefined || next <= position) return false
  assignment.positions.set(key, next)
  const { topic, partition } = target
  assignment.offsets.resolveOffset({ topic, partition, offset: (next - 1n).toString() })
  return true
}

/** What a fetch says of where its partition ends. False when that was known. */
export function noteEnd({ positions, ends }: Assignment, batch: FetchedBatch): boolean {
  const key = keyOf(batch)
  const end = BigInt(batch.highWatermark)
  if (end < 0n || !positions.has(key) || ends.get(key) === end) return false
  ends.set(key, end)
  return true
}

/** Position and end for onPosition. A record may have been read that is younger than the end that was told last. */
export function standOf({ positions, ends }: Assignment, target: TopicPartition): [position: bigint, end: bigint] {
  const key = keyOf(target)
  const position = positions.get(key) ?? 0n
  const end = ends.get(key) ?? position
  return [position, end > position ? end : position]
}

/** Which assignment a batch was fetched under, and where its partition stands after it. */
export interface Claim {
  readonly assignment: Assignment
  readonly next: bigint
}

export function claimOf(batch: FetchedBatch, assignment: Assignment): Claim | undefined {
  const next = nextOffset(batch)
  return next === undefined || !assignment.positions.has(keyOf(batch)) ? undefined : { assignment, next }
}
