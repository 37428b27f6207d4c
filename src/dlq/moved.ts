/**
 * `<dlq>.moved`: a record for every batch of letters that was redriven or purged. What is in a DLQ is its records minus these
 * ranges, so everything that reads letters reads this topic first. It is the audit record too: who did what, when and why.
 * Written in transactions only, of the one id that the DLQ has: who connects a producer and then reads, reads all there will be
 * from those before.
 */
import type { BrokerRecord, OutgoingRecord } from '../broker/port.ts'
import { MovedRanges, type OffsetRange } from './ranges.ts'
import { type DlqSource, namesOf } from './source.ts'

export interface MovedRecord {
  readonly kind: 'redriven' | 'purged'
  /** The run that moved them; of a redrive: `spillway-redrive-id` of the copies. */
  readonly runId: string
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly who: string
  readonly reason: string
  /** What the run selected, in words; `all` for every letter of the DLQ. */
  readonly filter: string
  /** The topic that they were copied to, or `source` for that of each; of a purge the file that they were exported to, by name. */
  readonly target: string
  /** Partition of the DLQ. */
  readonly partition: number
  readonly ranges: readonly OffsetRange[]
}

export interface Moved {
  readonly ranges: MovedRanges
  /** Records of the topic that say nothing this version understands. They move nothing: a letter shown twice is better than one lost. */
  readonly unreadable: number
}

/** The record to write. Always to partition 0: nobody needs them spread, and one transaction should touch few partitions. */
export function movedRecord(source: DlqSource, moved: MovedRecord): OutgoingRecord {
  return { topic: namesOf(source).moved, partition: 0, key: null, value: encodeMoved(moved), headers: [] }
}

/** Reads the whole topic, whatever its partition count. A topic that does not exist has moved nothing. */
export async function readMoved(source: DlqSource): Promise<Moved> {
  const topic = namesOf(source).moved
  const ranges = new MovedRanges()
  let unreadable = 0
  if ((await source.admin.topics([topic], { config: false })).length === 0) return { ranges, unreadable }
  const apply = (record: BrokerRecord): void => {
    const moved = decodeMoved(record.value)
    if (!moved) unreadable++
    else for (const [from, to] of moved.ranges) ranges.add(moved.partition, from, to)
  }
  for (const { partition, low, high } of await source.admin.bounds(topic)) {
    if (low < high) await source.reader.read({ topic, partition, from: low, to: high }, apply)
  }
  return { ranges, unreadable }
}

/** JSON, version 1. Offsets are strings: a JSON number loses digits beyond 2^53. */
export function encodeMoved(moved: MovedRecord): Buffer {
  const { atMs, ranges, ...rest } = moved
  const at = new Date(atMs).toISOString()
  return Buffer.from(JSON.stringify({ v: 1, ...rest, at, ranges: ranges.map(([from, to]) => [String(from), String(to)]) }))
}

/** undefined for anything that is not a whole record of version 1: a half-understood one must not hide letters. */
export function decodeMoved(value: Buffer | null): MovedRecord | undefined {
  const json = parse(value)
  if (json?.v !== 1 || !isPartition(json.partition) || !Array.isArray(json.ranges)) return undefined
  const ranges = json.ranges.map(readRange)
  if (!ranges.every(range => range !== undefined)) return undefined
  const text = (name: keyof MovedRecord | 'at') => (typeof json[name] === 'string' ? json[name] : '')
  return {
    // Records of before there was another kind do not say theirs.
    kind: json.kind === 'purged' ? 'purged' : 'redriven',
    runId: text('runId'),
    atMs: Date.parse(text('at')) || 0,
    who: text('who'),
    reason: text('reason'),
    filter: text('filter'),
    target: text('target'),
    partition: json.partition,
    ranges,
  }
}

type Unchecked = { readonly [K in keyof MovedRecord | 'v' | 'at']?: unknown }

function parse(value: Buffer | null): Unchecked | undefined {
  if (value === null) return undefined
  try {
    const json: unknown = JSON.parse(value.toString('utf8'))
    return typeof json === 'object' && json !== null ? (json as Unchecked) : undefined
  } catch {
    return undefined
  }
}

function isPartition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function readRange(value: unknown): OffsetRange | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [first, end]: unknown[] = value
  if (!isOffset(first) || !isOffset(end)) return undefined
  const from = BigInt(first)
  const to = BigInt(end)
  return from < to ? [from, to] : undefined
}

function isOffset(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,19}$/.test(value)
}
