/**
 * Takes letters out of a DLQ: written to a file first, then marked in `<group>.dlq.moved`. The records go when retention takes them.
 * Under the id of a redrive, so that no letter is both moved back and purged: the one that begins later ends the other.
 */
import { inTransaction } from '../broker/in-transaction.ts'
import type { TransactionalProducer } from '../broker/port.ts'
import { DlqMissing } from '../errors.ts'
import { exportLine } from './export.ts'
import { unlessFenced } from './fenced.ts'
import type { Letter } from './letter.ts'
import { movedRecord } from './moved.ts'
import { appendOffset, type OffsetRange } from './ranges.ts'
import { type ReadOptions, readLetters, type Taken } from './read.ts'
import { type DlqSource, namesOf } from './source.ts'

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
 * `producer` is one of the DLQ's own id and not connected yet; it is closed in the end. Rejects with DlqMissing (E_NO_DLQ) before the file is touched, with
 * Fenced (E_FENCED) when another purge or a redrive has begun meanwhile, and with what the file or the port says.
 */
export async function purgeLetters(
  source: DlqSource,
  producer: TransactionalProducer,
  file: LetterFile,
  options: PurgeOptions,
): Promise<PurgeResult> {
  return unlessFenced(source, () => purge(source, producer, file, options)).finally(() => producer.close())
}

async function purge(
  source: DlqSource,
  producer: TransactionalProducer,
  file: LetterFile,
  options: PurgeOptions,
): Promise<PurgeResult> {
  await checkMovedTopic(source)
  await producer.connect()
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
  for (const [partition, ranges] of written.parts()) await mark(source, producer, file.name, partition, ranges, options)
  return { ...result, purged: written.count, interrupted: false }
}

/** Rejects with DlqMissing (E_NO_DLQ) when nothing could be recorded. */
async function checkMovedTopic(source: DlqSource): Promise<void> {
  const topic = namesOf(source).moved
  if ((await source.admin.topics([topic], { config: false })).length > 0) return
  throw new DlqMissing(`the DLQ of '${source.group}' is not complete: there is no topic ${topic}. Run: spillway topic apply`)
}

async function mark(
  source: DlqSource,
  producer: TransactionalProducer,
  target: string,
  partition: number,
  ranges: readonly OffsetRange[],
  { runId, who, reason, selection, clock }: PurgeOptions,
): Promise<void> {
  const atMs = (clock ?? Date.now)()
  const base = { kind: 'purged', runId, atMs, who, reason, filter: selection?.words ?? 'all', target, partition } as const
  await inTransaction(producer, [movedRecord(source, { ...base, ranges })])
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
