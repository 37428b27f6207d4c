/** Browsing a DLQ: its records minus what was moved. Joins no group, so it disturbs nobody. */
import type { Admin, BrokerRecord, PartitionBounds, Reader } from '../broker/port.ts'
import { DlqMissing } from '../errors.ts'
import { dlqTopic } from '../topic/names.ts'
import { readTrail, type Trail } from '../topic/trail.ts'
import { type Moved, readMoved } from './moved.ts'
import type { MovedRanges } from './ranges.ts'

/** A dead letter, addressed by the DLQ's partition and offset. */
export interface Letter {
  readonly partition: number
  readonly offset: bigint
  readonly record: BrokerRecord
  /** Missing when the record was not written by Spillway, or its headers were damaged. */
  readonly trail: Trail | undefined
}

/** The DLQ of one group. */
export interface DlqSource {
  readonly reader: Reader
  readonly admin: Admin
  readonly group: string
}

export interface ReadOptions {
  /** Once aborted no further letter is handed over and reading ends soon, without an error. */
  readonly signal?: AbortSignal
  /** Only this partition. */
  readonly partition?: number
  /** Only this offset; needs `partition`. */
  readonly offset?: bigint
}

export interface LetterCount {
  readonly group: string
  /**
   * Letters left. Exact while nothing but whole acknowledged letters is written; control and aborted records of transactions
   * take offsets too and would be counted.
   */
  readonly left: number
  readonly partitions: readonly { readonly partition: number; readonly left: number }[]
  /** Records of `<group>.dlq.moved` that could not be understood. */
  readonly unreadableMoves: number
}

/** How many offsets one read asks for: short enough that an abort is noticed, long enough that its cost does not matter. */
const sliceSize = 5_000n

/**
 * Hands over every letter left in `<group>.dlq`, by partition, then offset, up to the ends found at the start; waits for
 * `onLetter` before the next, so memory stays constant. Rejects with what `onLetter` threw, after which it is not called again, and with
 * DlqMissing (E_NO_DLQ) when the group has no DLQ.
 */
export async function readLetters(
  source: DlqSource,
  onLetter: (letter: Letter) => void | Promise<void>,
  options: ReadOptions = {},
): Promise<{ unreadableMoves: number }> {
  const { moved, bounds } = await openDlq(source)
  for (const partition of bounds.filter(one => options.partition === undefined || one.partition === options.partition)) {
    await readPartition(source, clip(partition, options.offset), moved.ranges, onLetter, options.signal)
  }
  return { unreadableMoves: moved.unreadable }
}

/**
 * How many letters are left, without reading one: ends minus starts minus what was moved in between.
 * Rejects with DlqMissing (E_NO_DLQ) when the group has no DLQ.
 */
export async function countLetters(source: DlqSource): Promise<LetterCount> {
  const { moved, bounds } = await openDlq(source)
  const partitions = bounds.map(({ partition, low, high }) => ({
    partition,
    left: Number(high - low - moved.ranges.countWithin(partition, low, high)),
  }))
  const left = partitions.reduce((sum, one) => sum + one.left, 0)
  return { group: source.group, left, partitions, unreadableMoves: moved.unreadable }
}

/** The bounds before `.moved`: a letter moved in between is then left out, where the other way round it would be shown, and moved, again. */
async function openDlq({ reader, admin, group }: DlqSource): Promise<{ moved: Moved; bounds: PartitionBounds[] }> {
  const topic = dlqTopic(group)
  if ((await admin.topics([topic])).length === 0) {
    throw new DlqMissing(
      `group '${group}' has no DLQ: there is no topic ${topic}. If the name is right, run: spillway topic apply`,
    )
  }
  const bounds = await admin.bounds(topic)
  const moved = await readMoved({ reader, admin }, group)
  return { moved, bounds: bounds.sort((a, b) => a.partition - b.partition) }
}

function clip(bounds: PartitionBounds, offset: bigint | undefined): PartitionBounds {
  if (offset === undefined) return bounds
  const inside = offset >= bounds.low && offset < bounds.high
  return { partition: bounds.partition, low: offset, high: inside ? offset + 1n : offset }
}

async function readPartition(
  { reader, group }: DlqSource,
  { partition, low, high }: PartitionBounds,
  moved: MovedRanges,
  onLetter: (letter: Letter) => void | Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let failed: { error: unknown } | undefined
  // Kept and thrown afterwards: a reader may wrap what is thrown inside it, or hand the record over again.
  const hand = async (record: BrokerRecord): Promise<void> => {
    if (failed || signal?.aborted || moved.has(partition, record.offset)) return
    try {
      await onLetter({ partition, offset: record.offset, record, trail: readTrail(record.headers) })
    } catch (error) {
      failed = { error }
    }
  }
  let from = moved.nextLeft(partition, low)
  while (from < high && !signal?.aborted) {
    const to = from + sliceSize < high ? from + sliceSize : high
    await reader.read({ topic: dlqTopic(group), partition, from, to }, hand)
    if (failed) throw (failed as { error: unknown }).error
    from = moved.nextLeft(partition, to)
  }
}
