/** What waits for a group: in its tiers, its DLQ, and of its sources what it has not read. Nothing is joined or committed. */
import type { Admin, CommittedOffset, PartitionBounds, Reader } from '../broker/port.ts'
import { decodeFinished } from '../consume/finished.ts'
import { type Processor, sourceTopics, tierTopics } from '../consume/processor.ts'
import { readMoved } from '../dlq/moved.ts'
import type { OffsetRange } from '../dlq/ranges.ts'
import { dlqTopic } from '../topic/names.ts'

export interface Waiting {
  readonly where: 'source' | 'tier' | 'dlq'
  readonly topic: string
  readonly partition: number
  /** Ascending, apart from each other, none empty. */
  readonly ranges: readonly OffsetRange[]
}

export interface InFlightPlan {
  readonly group: string
  readonly waiting: readonly Waiting[]
  /** Topics of the group that do not exist. */
  readonly missing: readonly string[]
}

/** `existing`: the topics there are. */
export async function planInFlight(
  admin: Admin,
  reader: Reader,
  existing: ReadonlySet<string>,
  processor: Processor,
): Promise<InFlightPlan> {
  const { name: group, start } = processor
  const sources = sourceTopics(processor)
  const tiers = tierTopics(processor, existing)
  const dlq = dlqTopic(group)
  const read = [...tiers, ...sources].filter(topic => existing.has(topic))
  // Before the ends: what is finished in between is looked at once too often, and nothing is left out.
  const committed = await admin.committed(group, read)
  const waiting: Waiting[] = []
  for (const topic of read) {
    const where = sources.includes(topic) ? 'source' : 'tier'
    for (const bounds of await admin.bounds(topic)) {
      const at = committed.find(one => one.topic === topic && one.partition === bounds.partition)
      const beginsAtEnd = where === 'source' && start === 'latest'
      waiting.push({ where, topic, partition: bounds.partition, ranges: unread(bounds, at, beginsAtEnd) })
    }
  }
  if (existing.has(dlq)) waiting.push(...(await letters(admin, reader, group)))
  return {
    group,
    waiting: waiting.filter(({ ranges }) => ranges.length > 0),
    missing: [...sources, ...tiers, dlq].filter(topic => !existing.has(topic)),
  }
}

/** Without a commit: from where the group would begin. A commit beyond the log is of one that was lost: it would begin anew. */
function unread({ low, high }: PartitionBounds, at: CommittedOffset | undefined, beginsAtEnd: boolean): OffsetRange[] {
  if (at === undefined || at.offset < 0n) return beginsAtEnd ? [] : without(low, high, [])
  const from = at.offset < low || at.offset > high ? low : at.offset
  const finished = decodeFinished(at.offset, at.metadata)
  return without(from, high, from === at.offset ? finished.map(({ from: first, to }) => [first, to] as const) : [])
}

async function letters(admin: Admin, reader: Reader, group: string): Promise<Waiting[]> {
  const topic = dlqTopic(group)
  // The bounds first, or a letter that is moved in between would be looked at.
  const bounds = await admin.bounds(topic)
  const { ranges: moved } = await readMoved({ admin, reader, group })
  return bounds.map(({ partition, low, high }) => ({
    where: 'dlq',
    topic,
    partition,
    ranges: without(low, high, moved.ranges(partition)),
  }))
}

/** What is left of [from, to) without `taken`, which ascend. */
function without(from: bigint, to: bigint, taken: readonly OffsetRange[]): OffsetRange[] {
  const left: OffsetRange[] = []
  let at = from
  for (const [first, end] of taken) {
    if (first >= to) break
    if (first > at) left.push([at, first])
    if (end > at) at = end
  }
  if (at < to) left.push([at, to])
  return left
}

export function offsetsIn(ranges: readonly OffsetRange[]): bigint {
  return ranges.reduce((sum, [from, to]) => sum + (to - from), 0n)
}

/** Pieces of a sample: enough to meet what was written at different times, few enough to be read in a moment. */
const PIECES = 10n

/** `most` offsets at most, in pieces spread evenly: the first begins where `ranges` do, the last ends where they end. */
export function spread(ranges: readonly OffsetRange[], most: number): readonly OffsetRange[] {
  const all = offsetsIn(ranges)
  const wanted = BigInt(most)
  if (all <= wanted) return ranges
  const pieces = wanted < PIECES ? wanted : PIECES
  const size = wanted / pieces
  const step = pieces === 1n ? 0n : pieces - 1n
  return Array.from({ length: Number(pieces) }, (_, i) => {
    const first = step === 0n ? 0n : (BigInt(i) * (all - size)) / step
    return slice(ranges, first, first + size)
  }).flat()
}

/** The offsets that are number `first` up to `end` of all that `ranges` hold. */
function slice(ranges: readonly OffsetRange[], first: bigint, end: bigint): OffsetRange[] {
  let passed = 0n
  return ranges.flatMap(([from, to]): OffsetRange[] => {
    const at = from - passed
    passed += to - from
    const [a, b] = [at + first > from ? at + first : from, at + end < to ? at + end : to]
    return a < b ? [[a, b]] : []
  })
}
