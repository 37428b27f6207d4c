import type { EncodedHeaders } from '../../message/encoded-headers.ts'
import type { HeaderSize, Headers } from '../../message/headers.ts'
import type { BrokerRecord, UnreadableBatch } from '../port.ts'
import { fromKafkaJs, type KafkaJsHeaders } from './headers.ts'
import type { FetchedBatch, RawMessage } from './internals.ts'

export function toRecord(topic: string, partition: number, message: RawMessage): BrokerRecord {
  return new FetchedRecord(topic, partition, message)
}

class FetchedRecord implements BrokerRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly unreadable?: UnreadableBatch
  readonly #message: RawMessage

  constructor(topic: string, partition: number, message: RawMessage) {
    this.topic = topic
    this.partition = partition
    this.offset = offsetOf(message)
    this.timestampMs = message.timestampMs ?? Number(message.timestamp)
    this.key = message.key
    this.value = message.value
    this.#message = message
    const { unreadable } = message
    if (unreadable) this.unreadable = { ...unreadable, firstOffset: BigInt(unreadable.firstOffset) }
  }

  get headerSize(): HeaderSize | undefined {
    return this.#message.headerSize
  }

  get compressed(): boolean {
    return (this.#message.batchContext?.codec ?? 0) !== 0
  }

  get encodedHeaders(): EncodedHeaders | undefined {
    return this.#message.encodedHeaders
  }

  hasHeader(name: string): boolean {
    return this.#message.hasHeader?.(name) ?? this.headers.some(header => header[0] === name)
  }

  /**
   * Read from the bytes when asked for, and remembered of the record that was asked last only: thousands wait for their turn, and
   * are held by their batch long after it.
   */
  get headers(): Headers {
    const message = this.#message
    if (lastRead.message !== message)
      lastRead = { message, headers: message.pairs ?? fromKafkaJs(message.headers as KafkaJsHeaders | undefined) }
    return lastRead.headers
  }
}

export function offsetOf({ offset, offsetValue }: RawMessage): bigint {
  return offsetValue ?? BigInt(offset)
}

let lastRead: { readonly message: RawMessage | undefined; readonly headers: Headers } = { message: undefined, headers: [] }

/** Whether it, or the batch that it stands for, begins before this offset. */
export function beginsBefore({ offset, unreadable }: BrokerRecord, end: bigint): boolean {
  return (unreadable?.firstOffset ?? offset) < end
}

/**
 * The offset after what was fetched; undefined when nothing was. An answer holds whole batches, and a batch reaches to its last
 * offset even where compaction, an abort or a marker has left no record for a consumer.
 */
export function nextOffset(batch: FetchedBatch): bigint | undefined {
  const last = batch.rawMessages.at(-1)
  if (last === undefined) return undefined
  const afterRecord = offsetOf(last) + 1n
  const context = last.batchContext
  if (context === undefined) return afterRecord
  const afterBatch = BigInt(context.firstOffset) + BigInt(context.lastOffsetDelta) + 1n
  return afterBatch > afterRecord ? afterBatch : afterRecord
}
