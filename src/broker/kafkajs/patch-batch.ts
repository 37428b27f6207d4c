/**
 * The records of one partition in an answer, in place of kafkajs's Batch: to leave out what lies below the offset that was asked
 * for, theirs makes a text and a number of every record's offset. Offsets ascend, so only the first ones can.
 */
import type { FetchedBatch, FetchedPartition, RawMessage } from './internals.ts'
import { withoutAborted } from './patch-aborted.ts'
import { offsetOf } from './records.ts'

/** Has what the runner of kafkajs reads of a Batch. */
export class PartitionBatch implements FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  readonly rawMessages: readonly RawMessage[]
  readonly messagesWithinOffset: readonly RawMessage[]
  readonly messages: readonly RawMessage[]

  constructor(
    topic: string,
    fetchedOffset: string,
    { partition, highWatermark, messages, abortedTransactions }: FetchedPartition,
  ) {
    this.topic = topic
    this.partition = partition
    this.fetchedOffset = fetchedOffset
    this.highWatermark = highWatermark
    this.rawMessages = messages
    const asked = BigInt(fetchedOffset)
    const first = messages.findIndex(message => offsetOf(message) >= asked)
    const within = first === 0 ? messages : messages.slice(first < 0 ? messages.length : first)
    this.messagesWithinOffset = within
    this.messages = withoutAborted({ messages: within, abortedTransactions }).filter(message => !message.isControlRecord)
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.rawMessages.length > 0
  }

  firstOffset(): string | null {
    return this.messagesWithinOffset[0]?.offset ?? null
  }

  lastOffset(): string {
    const last = this.messagesWithinOffset.at(-1)
    if (last !== undefined) return last.offset
    return this.rawMessages.length > 0 ? this.fetchedOffset : (BigInt(this.highWatermark) - 1n).toString()
  }

  offsetLag(): string {
    return (BigInt(this.highWatermark) - 1n - BigInt(this.lastOffset())).toString()
  }

  offsetLagLow(): string {
    const first = this.firstOffset()
    return first === null ? '0' : (BigInt(this.highWatermark) - 1n - BigInt(first)).toString()
  }
}
