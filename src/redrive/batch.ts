import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { BrokerRecord, OutgoingRecord } from '../broker/port.ts'
import { recordBytes } from '../broker/record-size.ts'
import type { Letter } from '../dlq/letter.ts'

/** Letters of one partition of the DLQ, in order. */
export interface Batch {
  readonly partition: number
  readonly offsets: readonly bigint[]
  readonly copies: readonly OutgoingRecord[]
}

export interface BatchLimits {
  readonly letters: number
  readonly bytes: number
}

/** Letters gathered before the event loop gets its turn: the batch that is on its way waits for answers, some ten of them, a millisecond or two apart. */
const lettersATurn = 10

export function halvesOf({ partition, offsets, copies }: Batch): Batch[] {
  const half = Math.ceil(copies.length / 2)
  return [
    { partition, offsets: offsets.slice(0, half), copies: copies.slice(0, half) },
    { partition, offsets: offsets.slice(half), copies: copies.slice(half) },
  ]
}

/**
 * Gathers copies until a batch is full or the partition changes. While one batch is on its way the next one is gathered: what is read
 * and what is written take about the same time.
 */
export class Batcher {
  readonly #limits: BatchLimits
  readonly #move: (batch: Batch) => Promise<void>
  #moving: Promise<void> = Promise.resolve()
  #partition = -1
  #bytes = 0
  #offsets: bigint[] = []
  #copies: OutgoingRecord[] = []

  constructor(limits: BatchLimits, move: (batch: Batch) => Promise<void>) {
    this.#limits = limits
    this.#move = move
  }

  /** A promise when there is no room for another one before it resolves. It rejects as the move of an earlier batch did. */
  add(
    { partition, offset, record }: Pick<Letter, 'partition' | 'offset' | 'record'>,
    copy: OutgoingRecord,
  ): Promise<void> | undefined {
    const bytes = sizeOf(record)
    const ended = partition !== this.#partition || this.#bytes + bytes > this.#limits.bytes
    const before = ended ? this.#flush() : undefined
    this.#partition = partition
    this.#bytes += bytes
    this.#offsets.push(offset)
    this.#copies.push(copy)
    if (this.#copies.length >= this.#limits.letters) return this.#flush()
    return before ?? (this.#copies.length % lettersATurn === 0 ? turnOfTheLoop() : undefined)
  }

  /** Resolves when nothing is on its way, whatever became of it. */
  async idle(): Promise<void> {
    await this.#moving.catch(() => {})
  }

  /** Resolves when all is moved. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#moving
  }

  #flush(): Promise<void> | undefined {
    if (this.#copies.length === 0) return undefined
    const batch = { partition: this.#partition, offsets: this.#offsets, copies: this.#copies }
    this.#bytes = 0
    this.#offsets = []
    this.#copies = []
    const before = this.#moving
    this.#moving = before.then(() => this.#move(batch))
    // Told to whoever adds or finishes next.
    this.#moving.catch(() => {})
    return before
  }
}

/** About what it takes on the wire, found out without making its headers. */
function sizeOf(record: BrokerRecord): number {
  if (record.headerSize === undefined) return recordBytes(record)
  const { count, bytes } = record.headerSize
  return 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0) + bytes + 4 * count
}
