/** Moves the dead letters of a group back to where that group, and no other, handles them again. */
import type { BatchProducer, OutgoingRecord } from '../broker/port.ts'
import { sendInParts } from '../broker/send-in-parts.ts'
import type { Letter } from '../dlq/letter.ts'
import { movedRecord } from '../dlq/moved.ts'
import { rangesOf } from '../dlq/ranges.ts'
import { countLetters, type DlqSource, readLetters, type Taken } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import { immediateTopic } from '../topic/names.ts'
import type { Trail } from '../topic/trail.ts'
import { redriven, staysBecause } from './copy.ts'
import { checkTarget } from './plan.ts'

export interface RedriveOptions {
  /** Names this run in every copy and in `<group>.dlq.moved`. */
  readonly runId: string
  /** Who moves them and why: part of the record of what was moved. */
  readonly who: string
  readonly reason: string
  /** Which letters. Its limit counts those that are moved. Default all. */
  readonly selection?: Selection
  /** Letters per batch, at most. Default 500. */
  readonly batchLetters?: number
  /** Bytes per batch, at most; one larger letter goes alone. Default 512 KiB, below the 1 MiB that a broker takes in one request by default. */
  readonly batchBytes?: number
  /** Called after every recorded batch. */
  readonly onProgress?: (moved: number, total: number) => void
  /** Once aborted, the batch begun is still copied and recorded; then the run ends. */
  readonly signal?: AbortSignal
  /** Milliseconds since 1970. Default Date.now. */
  readonly clock?: () => number
}

export interface RedriveResult {
  readonly runId: string
  readonly moved: number
  /** Letters that cannot be redriven and were left where they are. */
  readonly stayed: number
  /** Ended by the signal: letters are left, and a second run goes on with them. */
  readonly interrupted: boolean
}

/** Letters of one partition of the DLQ, in order. */
export interface Batch {
  readonly partition: number
  readonly offsets: readonly bigint[]
  readonly copies: readonly OutgoingRecord[]
}

/** Resolves when the copies are acknowledged and it is recorded that they were moved. */
export type MoveBatch = (batch: Batch) => Promise<void>

/**
 * Copies the selected letters that are left at the start to `<group>.retry.0s`, by partition and in order. What a run before recorded is not
 * moved again; a run that ended early is finished by running again. Rejects with the port's error at the first batch that
 * cannot be moved, and with DlqMissing (E_NO_DLQ) or RedriveTargetUnfit (E_REDRIVE_TARGET) before the first.
 */
export async function runRedrive(source: DlqSource, producer: BatchProducer, options: RedriveOptions): Promise<RedriveResult> {
  const count = await countLetters(source)
  await checkTarget(source.admin, count)
  const target = immediateTopic(source.group)
  const move = copyThenRecord(source.group, producer, options)
  let moved = 0
  let stayed = 0
  const batcher = new Batcher(options, async batch => {
    await move(batch)
    moved += batch.copies.length
    options.onProgress?.(moved, Math.max(moved, count.left))
  })
  const onLetter = async (letter: Letter): Promise<Taken> => {
    if (staysBecause(letter)) {
      stayed++
      return 'left'
    }
    await batcher.add(letter, redriven(letter as Letter & { trail: Trail }, source.group, options.runId, target))
  }
  const { signal, selection } = options
  const { cutShort } = await readLetters(source, onLetter, { ...(signal && { signal }), ...(selection && { selection }) })
  await batcher.flush()
  return { runId: options.runId, moved, stayed, interrupted: cutShort }
}

/**
 * At least once: the copies are acknowledged first, then one record in `<group>.dlq.moved` says so. A crash between the two
 * makes the next run copy this batch again, never lose it; so does a produce that failed and landed all the same.
 */
function copyThenRecord(group: string, producer: BatchProducer, options: RedriveOptions): MoveBatch {
  const { runId, who, reason, selection, clock } = options
  const filter = selection?.words ?? 'all'
  const target = immediateTopic(group)
  return async ({ partition, offsets, copies }) => {
    await sendInParts(producer, target, partition, copies)
    const atMs = (clock ?? Date.now)()
    const ranges = rangesOf(offsets)
    const record = movedRecord(group, { kind: 'redriven', runId, atMs, who, reason, filter, target, partition, ranges })
    await producer.sendBatch(record.topic, record.partition, [record])
  }
}

/** Gathers copies until a batch is full or the partition changes. */
class Batcher {
  readonly #maxLetters: number
  readonly #maxBytes: number
  readonly #move: MoveBatch
  #partition = -1
  #bytes = 0
  #offsets: bigint[] = []
  #copies: OutgoingRecord[] = []

  constructor(options: RedriveOptions, move: MoveBatch) {
    this.#maxLetters = options.batchLetters ?? 500
    this.#maxBytes = options.batchBytes ?? 512 * 1024
    this.#move = move
  }

  async add(letter: Letter, copy: OutgoingRecord): Promise<void> {
    const bytes = sizeOf(copy)
    if (letter.partition !== this.#partition || this.#bytes + bytes > this.#maxBytes) await this.flush()
    this.#partition = letter.partition
    this.#bytes += bytes
    this.#offsets.push(letter.offset)
    this.#copies.push(copy)
    if (this.#copies.length >= this.#maxLetters) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#copies.length === 0) return
    const batch = { partition: this.#partition, offsets: this.#offsets, copies: this.#copies }
    this.#bytes = 0
    this.#offsets = []
    this.#copies = []
    await this.#move(batch)
  }
}

/** A little more than the record takes on the wire: lengths and deltas are at most 10 bytes each. */
function sizeOf(record: OutgoingRecord): number {
  let bytes = 64 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += 20 + Buffer.byteLength(name) + (value?.length ?? 0)
  return bytes
}
