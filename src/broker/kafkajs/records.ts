import type { BrokerRecord } from '../port.ts'
import { fromKafkaJs, type KafkaJsHeaders } from './headers.ts'
import type { FetchedBatch, RawMessage } from './internals.ts'

export function toRecord(topic: string, partition: number, message: RawMessage): BrokerRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.pairs ?? fromKafkaJs(message.headers as KafkaJsHeaders | undefined),
    ...(message.unreadable && { unreadable: { ...message.unreadable, firstOffset: BigInt(message.unreadable.firstOffset) } }),
  }
}

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
  const afterRecord = BigInt(last.offset) + 1n
  const context = last.batchContext
  if (context === undefined) return afterRecord
  const afterBatch = BigInt(context.firstOffset) + BigInt(context.lastOffsetDelta) + 1n
  return afterBatch > afterRecord ? afterBatch : afterRecord
}
