/** Takes letters out of a DLQ: written to a file first, then marked in `<group>.dlq.moved`. The records go when retention takes them. */
import type { BatchProducer } from '../broker/port.ts'
import { exportLine } from './export.ts'
import type { Letter } from './letter.ts'
import { checkMovedTopic, movedRecord } from './moved.ts'
import { appendOffset, type OffsetRange } from './ranges.ts'
import { type DlqSource, type ReadOptions, readLetters, type Taken } from './read.ts'

/** Where letters are written before they are marked. */
export interface LetterFile {
  /** Its name, for the record of what was purged. */
  readonly name: string
  /** Resolves when it can take more. */
  write(line: string): Promise<void>
  /** Resolves once everything written would survive a loss of power. Nothing is marked before. */
  finish(): Promise<void>
}

export interface PurgeOptions extends ReadOptions {
  /** Names this run in `<group>.dlq.moved`. */
  readonly runId: string
  /** Who purges and why: part of the record. */
  readonly who: string
  readonly reason: string
  /** Milliseconds since 1970. Default Date.now. */
  readonly clock?: () => number
}

export interface PurgeResult {
  readonly runId: string
  readonly purged: number
  /** Letters that cannot be exported whole and so were left where they are. */
  readonly stayed: number
  /** Ended by the signal: nothing was purged. */
  readonly interrupted: boolean
}

/** Ranges a record, at most: 45 bytes each at the longest, so a record stays far below what a topic takes. */
const rangesPerRecord = 5_000

/** A batch that cannot be read has no bytes that could be exported. */
export function cannotPurge({ record }: Letter): boolean {
  return record.unreadable !== undefined
}

/**
 * Marks exactly the letters that the file holds. Killed before that, nothing is purged; killed while marking, the next run purges
 * the rest: the file has all of them in either case. An abort counts until the file is finished, and then purges nothing.
 * Rejects with DlqMissing (E_NO_DLQ) before the file is touched, and with what the file or the port says.
 */
export async function purgeLetters(
  source: DlqSource,
  producer: BatchProducer,
  file: LetterFile,
  options: PurgeOptions,
): Promise<PurgeResult> {
  await checkMovedTopic(source.admin, source.group)
  const written = new WrittenLetters()
  let stayed = 0
  const onLetter = async (letter: Letter): Promise<Taken> => {
    if (cannotPurge(letter)) {
      stayed++
      return 'left'
    }
    await file.write(exportLine(source.group, letter))
    written.add(letter)
  }
  const { cutShort } = await readLetters(source, onLetter, options)
  const result = { runId: options.runId, stayed }
  if (cutShort) return { ...result, purged: 0, interrupted: true }
  await file.finish()
  for (const [partition, ranges] of written.parts()) await mark(source.group, producer, file.name, partition, ranges, options)
  return { ...result, purged: written.count, interrupted: false }
}

async function mark(
  group: string,
  producer: BatchProducer,
  target: string,
  partition: number,
  ranges: readonly OffsetRange[],
  { runId, who, reason, selection, clock }: PurgeOptions,
): Promise<void> {
  const atMs = (clock ?? Date.now)()
  const base = { kind: 'purged', runId, atMs, who, reason, filter: selection?.words ?? 'all', target, partition } as const
  const record = movedRecord(group, { ...base, ranges })
  await producer.sendBatch(record.topic, record.partition, [record])
}

/** Which letters the file has: a range for each run of offsets. */
class WrittenLetters {
  count = 0
  readonly #partitions = new Map<number, [from: bigint, to: bigint][]>()

  add({ partition, offset }: Letter): void {
    this.count++
    const ranges = this.#partitions.get(partition) ?? []
    this.#partitions.set(partition, ranges)
    appendOffset(ranges, offset)
  }

  /** Few enough ranges each for one record. */
  *parts(): Generator<[partition: number, ranges: readonly OffsetRange[]]> {
    for (const [partition, ranges] of this.#partitions) {
      for (let i = 0; i < ranges.length; i += rangesPerRecord) yield [partition, ranges.slice(i, i + rangesPerRecord)]
    }
  }
}
