/**
 * The records of one partition in an answer, in place of kafkajs's own decoding:
 * - theirs decompresses without a bound, and fails the whole answer, again and again, over one batch that it cannot read. Here such
 *   a batch becomes one stand-in record, which says what it stands for;
 * - theirs spreads the records of a batch over a call's arguments: more than some 120,000 are a RangeError;
 * - theirs takes as many batches as there are, though each may be as large inside as one is allowed to be;
 * - theirs leaves no trace of a batch without records, such as compaction leaves, so the position never passes it.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import { batchOverheadBytes } from '../record-size.ts'
import { DecodedRecord, recordBase } from './decoded-record.ts'
import { batchLimits, codecNames, decompress } from './decompress.ts'
import type { BatchContext, RawMessage, UnreadableBatch } from './internals.ts'

/** What is used of kafkajs's Decoder. */
export interface Answer {
  buffer: Buffer
  offset: number
}

/** Decodes one entry of the formats before Kafka 0.11; kafkajs's own. */
export type DecodeOldEntry = (entry: Buffer) => Promise<RawMessage[]>

/** Offset and length, which all formats begin with. */
const entryHeadBytes = 12
const magicAt = 16
/** Items decoded before the event loop gets its turn. */
const itemsATurn = 5_000

export function fetchedDecoder(decodeOldEntry: DecodeOldEntry): (answer: Answer) => Promise<RawMessage[]> {
  return async answer => {
    const log = takeLog(answer)
    const messages: RawMessage[] = []
    for (const entry of entriesOf(log)) {
      // Partitions of one answer share the bound; each gets on by one batch all the same. What is left out is fetched again.
      if (messages.length > 0 && (spent.get(answer) ?? 0) > batchLimits.maxBytes) break
      const decoded = entry[magicAt] === 2 ? await decodeBatch(entry, answer) : await decodeOld(entry, decodeOldEntry)
      for (const message of decoded) messages.push(message)
    }
    return messages
  }
}

/** Bytes decompressed for an answer so far. */
const spent = new WeakMap<Answer, number>()

function takeLog(answer: Answer): Buffer {
  const size = answer.buffer.readInt32BE(answer.offset)
  answer.offset += 4
  if (size <= 0 || answer.buffer.length - answer.offset < size) return Buffer.alloc(0)
  const log = answer.buffer.subarray(answer.offset, answer.offset + size)
  answer.offset += size
  return log
}

/** The last one may have been cut off by the size of the answer: it is left out. */
function* entriesOf(log: Buffer): Generator<Buffer> {
  for (let at = 0; at + magicAt < log.length; ) {
    const end = at + entryHeadBytes + log.readInt32BE(at + 8)
    if (end <= at + magicAt || end > log.length) return
    yield log.subarray(at, end)
    at = end
  }
}

async function decodeOld(entry: Buffer, decode: DecodeOldEntry): Promise<RawMessage[]> {
  try {
    return await decode(entry)
  } catch (error) {
    const offset = entry.readBigInt64BE(0).toString()
    return [standIn({ firstOffset: offset, codec: 'unknown', bytes: entry.length, reason: messageOf(error) }, offset)]
  }
}

async function decodeBatch(entry: Buffer, answer: Answer): Promise<RawMessage[]> {
  if (entry.length < batchOverheadBytes) return []
  const context = contextOf(entry)
  const { codec } = context
  const lastOffset = (BigInt(context.firstOffset) + BigInt(context.lastOffsetDelta)).toString()
  try {
    const body = entry.subarray(batchOverheadBytes)
    const count = entry.readInt32BE(57)
    const records = codec === 0 || count === 0 ? body : await decompress(codec, body)
    if (records !== body) spent.set(answer, (spent.get(answer) ?? 0) + records.length)
    return count === 0 ? [passedOver(context, lastOffset)] : await decodeRecords(records, count, context)
  } catch (error) {
    const { firstOffset } = context
    const unreadable = {
      firstOffset,
      codec: codecNames[codec] ?? String(codec),
      bytes: entry.length,
      reason: messageOf(error),
    }
    return [standIn(unreadable, lastOffset, context)]
  }
}

async function decodeRecords(bytes: Buffer, count: number, context: BatchContext): Promise<RawMessage[]> {
  const { maxItems } = batchLimits
  const records: RawMessage[] = []
  const base = recordBase(context)
  if (count < 0 || count > bytes.length) throw new Error(`${count} records were claimed in ${bytes.length} bytes`)
  if (count > maxItems) throw new Error(`${count} records, of ${maxItems} at most`)
  let items = 0
  let turnAt = itemsATurn
  let at = 0
  while (records.length < count) {
    const { length, start } = recordAt(bytes, at)
    at = start + length
    if (length < 0 || at > bytes.length) throw new Error('a record reaches past the end of its batch')
    const record = new DecodedRecord(base, bytes, start, at, maxItems - items - 1)
    records.push(record)
    items += 1 + record.headerSize.count
    if (items < turnAt) continue
    turnAt = items + itemsATurn
    await turnOfTheLoop()
  }
  return records
}

/** The length of a record stands before it, as a zigzag varint. */
function recordAt(bytes: Buffer, at: number): { length: number; start: number } {
  let zigzagged = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) break
    zigzagged += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return { length: zigzagged % 2 === 0 ? zigzagged / 2 : -1, start: at + i + 1 }
  }
  throw new Error('a record without a length')
}

function contextOf(entry: Buffer): BatchContext & { readonly codec: number } {
  const attributes = entry.readInt16BE(21)
  return {
    firstOffset: entry.readBigInt64BE(0).toString(),
    partitionLeaderEpoch: entry.readInt32BE(12),
    magicByte: 2,
    timestampType: (attributes & 8) === 0 ? 0 : 1,
    inTransaction: (attributes & 16) !== 0,
    isControlBatch: (attributes & 32) !== 0,
    lastOffsetDelta: entry.readInt32BE(23),
    firstTimestamp: entry.readBigInt64BE(27).toString(),
    maxTimestamp: entry.readBigInt64BE(35).toString(),
    producerId: entry.readBigInt64BE(43).toString(),
    producerEpoch: entry.readInt16BE(51),
    firstSequence: entry.readInt32BE(53),
    codec: attributes & 7,
  }
}

/** At the last offset: one lower could lie before what was asked for, and would be passed over without a word. */
function standIn(unreadable: UnreadableBatch, lastOffset: string, context?: BatchContext): RawMessage {
  const timestamp = context?.maxTimestamp ?? '0'
  const rest = context && { batchContext: context }
  return { offset: lastOffset, timestamp, key: null, value: null, pairs: [], headers: {}, unreadable, ...rest }
}

/** Moves the position and is shown to nobody. */
function passedOver(batchContext: BatchContext, lastOffset: string): RawMessage {
  const timestamp = batchContext.maxTimestamp
  return { offset: lastOffset, timestamp, key: null, value: null, pairs: [], headers: {}, isControlRecord: true, batchContext }
}
