/**
 * Moves dead letters back to where they are handled again, each once:
 *  1. The producer is connected. What a dead run left open is aborted by that, and a run that lives is fenced.
 *  2. `<dlq>.moved` is read: from now on nobody else writes to it.
 *  3. Letters that are left are copied, a batch at a time. The copies and the record of what was moved are one transaction: killed
 *     anywhere, either both can be seen or neither, and the next run finds out which by 1 and 2.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { inTransaction } from '../broker/in-transaction.ts'
import type { OutgoingRecord, TransactionalProducer } from '../broker/port.ts'
import { unlessFenced } from '../dlq/fenced.ts'
import type { Letter } from '../dlq/letter.ts'
import { movedRecord } from '../dlq/moved.ts'
import { rangesOf } from '../dlq/ranges.ts'
import { countLetters, readLetters, type Taken } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import type { DlqSource } from '../dlq/source.ts'
import { codeOf } from '../errors.ts'
import { type Batch, Batcher, halvesOf } from './batch.ts'
import { copyFor } from './copy.ts'
import { Pace, type Pause } from './pace.ts'
import { fateOf, type Rules, rulesOf, type Target, targetText } from './target.ts'
import { checkMovedTopic, TargetTopics } from './target-topics.ts'

export interface RedriveOptions {
  /** Names this run in every copy and in `<dlq>.moved`. */
  readonly runId: string
  /** Who moves them and why: part of the record of what was moved. */
  readonly who: string
  readonly reason: string
  /** Which letters. Its limit counts those that are moved. Default all. */
  readonly selection?: Selection
  /** Where to. Default the group's own `<group>.retry.0s`; of a foreign DLQ the source of each letter. */
  readonly target?: Target
  /** Letters that were redriven so often already stay. Default all go. */
  readonly maxRedrives?: number
  /** Letters per second, at most. Default as fast as it goes. */
  readonly rate?: number
  /** Letters per transaction, at most: fewer while that takes too long, or when a topic takes less at once. Default 2000. */
  readonly batchLetters?: number
  /** Bytes per transaction, at most; one larger letter goes alone. Default 4 MiB. */
  readonly batchBytes?: number
  /** Called after every transaction. */
  readonly onProgress?: (moved: number, total: number) => void
  /** Once aborted, the batch begun is still moved; then the run ends. */
  readonly signal?: AbortSignal
  /** Milliseconds since 1970. Default Date.now. */
  readonly clock?: () => number
  /** What a rate waits with. */
  readonly pause?: Pause
}

export interface RedriveResult {
  readonly runId: string
  readonly moved: number
  /** Letters that cannot be redriven and were left where they are. */
  readonly stayed: number
  /** Of these: larger than what the topic takes that they should go to. */
  readonly tooLarge: number
  /** Ended by the signal: letters are left, and a second run goes on with them. */
  readonly interrupted: boolean
}

/**
 * Moves the selected letters that are left at the start, by partition and in order. What a run before has moved is not moved again; a
 * run that ended early is finished by running again. `producer` is one of the DLQ's own id and not connected yet; it is closed in
 * the end. Rejects with Fenced (E_FENCED) once another run has begun; with DlqMissing (E_NO_DLQ) or RedriveTargetUnfit
 * (E_REDRIVE_TARGET) before a letter is moved that could not be; and with the port's error when a transaction fails: whether that one
 * was the last to be moved only the next run knows.
 */
export async function runRedrive(
  source: DlqSource,
  producer: TransactionalProducer,
  options: RedriveOptions,
): Promise<RedriveResult> {
  const run = async (): Promise<RedriveResult> => {
    await checkMovedTopic(source)
    await producer.connect()
    const { left } = await countLetters(source)
    return new Run(source, producer, options).all(left)
  }
  return unlessFenced(source, run).finally(() => producer.close())
}

class Run {
  readonly #source: DlqSource
  readonly #producer: TransactionalProducer
  readonly #options: RedriveOptions
  readonly #rules: Rules
  readonly #targets: TargetTopics
  readonly #pace: Pace
  readonly #limits: { letters: number; readonly bytes: number }
  #mostLetters: number
  #moved = 0
  #stayed = 0
  #tooLarge = 0
  #total = 0

  constructor(source: DlqSource, producer: TransactionalProducer, options: RedriveOptions) {
    const { rate = Number.POSITIVE_INFINITY, clock = Date.now, pause = over, signal } = options
    this.#source = source
    this.#producer = producer
    this.#options = options
    this.#rules = rulesOf(source, options)
    this.#targets = new TargetTopics(source)
    this.#pace = new Pace({ rate, clock, pause, signal })
    const { batchLetters = 2_000, batchBytes = 4 * 1024 * 1024 } = options
    this.#mostLetters = this.#pace.portion(batchLetters)
    this.#limits = { letters: this.#mostLetters, bytes: batchBytes }
  }

  async all(total: number): Promise<RedriveResult> {
    this.#total = total
    const batcher = new Batcher(this.#limits, batch => this.#move(batch))
    const copy = copyFor(this.#source, this.#rules.target, this.#options.runId)
    const onLetter = (letter: Letter): Taken | Promise<void> => {
      const fate = fateOf(letter, this.#source, this.#rules)
      if ('to' in fate) return batcher.add(letter, copy(letter, fate))
      this.#stayed++
      return 'left'
    }
    const { signal, selection } = this.#options
    const reading = { ...this.#reading, ...(signal && { signal }), ...(selection && { selection }) }
    const { cutShort } = await readLetters(this.#source, onLetter, reading).finally(() => batcher.idle())
    await batcher.finish()
    const { runId } = this.#options
    return { runId, moved: this.#moved, stayed: this.#stayed, tooLarge: this.#tooLarge, interrupted: cutShort }
  }

  /** What is slow reads little at once: to decode some MiB takes a while in which retries that are due have less of the machine. */
  get #reading(): { answerBytes?: number } {
    return this.#options.rate === undefined ? {} : { answerBytes: 256 * 1024 }
  }

  async #move(batch: Batch): Promise<void> {
    await this.#targets.check(batch.copies)
    await this.#pace.turn(batch.copies.length)
    await this.#transact(batch)
  }

  /** In several transactions when one is too much. */
  async #transact(batch: Batch): Promise<void> {
    const { length } = batch.copies
    try {
      await inTransaction(this.#producer, [...batch.copies, this.#record(batch)])
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'E_RECORD_TOO_LARGE' && code !== 'E_TRANSACTION_TOO_LONG') throw error
      if (length > 1) {
        this.#limits.letters = Math.min(this.#limits.letters, Math.ceil(length / 2))
        // A topic takes no more the next time, while what took long may have been a hiccup.
        if (code === 'E_RECORD_TOO_LARGE') this.#mostLetters = this.#limits.letters
        for (const half of halvesOf(batch)) await this.#transact(half)
        return
      }
      if (code !== 'E_RECORD_TOO_LARGE') throw error
      this.#stayed++
      this.#tooLarge++
      return
    }
    this.#moved += length
    this.#limits.letters = Math.min(this.#mostLetters, this.#limits.letters * 2)
    this.#options.onProgress?.(this.#moved, Math.max(this.#moved, this.#total))
  }

  #record({ partition, offsets }: Batch): OutgoingRecord {
    const { runId, who, reason, selection, clock = Date.now } = this.#options
    const filter = selection?.words ?? 'all'
    const target = targetText(this.#rules.target)
    const ranges = rangesOf(offsets)
    return movedRecord(this.#source, {
      kind: 'redriven',
      runId,
      atMs: clock(),
      who,
      reason,
      filter,
      target,
      partition,
      ranges,
    })
  }
}

/** An abort ends it, and is no error. */
async function over(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(ms, undefined, { ...(signal && { signal }) }).catch(() => {})
}
