/**
 * Version 11 of the request that fetches records, and of its answer, for fetches within a session (fetch-session.ts), which kafkajs
 * cannot ask for. Written and read in one piece: kafkajs makes an encoder of 512 bytes, three promises and four BigInts for each partition.
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
import type { AbortedTransaction, FetchRequest, RawMessage } from './internals.ts'
import type { Encoder } from './patch-encoder.ts'
import type { Answer } from './patch-fetched.ts'

export interface FetchProtocol {
  request(given: FetchRequest & { readonly session: SessionPart }): object
  /** Decodes, and throws what an answer says went wrong. */
  readonly response: object
}

/** What a request says of its session. */
export interface SessionPart {
  readonly id: number
  readonly epoch: number
  readonly forgotten: readonly Forgotten[]
}

/** Partitions that are to be in the session no longer. */
export interface Forgotten {
  readonly topic: string
  readonly partitions: readonly number[]
}

type Given = Parameters<FetchProtocol['request']>[0]

export interface FetchParts {
  /** kafkajs's. */
  readonly Encoder: new () => unknown
  /** Takes the records of one partition. */
  readonly decodeMessages: (answer: Answer) => Promise<RawMessage[]>
  /** Throws what the answer says went wrong. */
  readonly parse: (answer: unknown) => unknown
}

/** No replica. */
const consumer = -1
/** Of an answer, as in kafkajs. */
const mostBytes = 10 * 1024 * 1024
const none = -1
const headBytes = 4 * 4 + 1 + 2 * 4
const partitionBytes = 4 + 4 + 8 + 8 + 4

export function fetchProtocol(parts: FetchParts): FetchProtocol {
  const { Encoder } = parts
  return {
    request: given => ({
      apiKey: 1,
      apiVersion: 11,
      apiName: 'Fetch',
      async encode() {
        const encoder = new Encoder() as Encoder
        encoder.writeBufferInternal(encoded(given))
        return encoder
      },
    }),
    response: fetchAnswer(parts),
  }
}

function encoded(given: Given): Buffer {
  const { maxWaitTime, minBytes, maxBytes = mostBytes, isolationLevel, topics, rackId = '', session } = given
  const bytes = Buffer.allocUnsafe(sizeOf(given, rackId))
  let at = 0
  for (const value of [consumer, maxWaitTime, minBytes, maxBytes]) at = bytes.writeInt32BE(value, at)
  at = bytes.writeInt8(isolationLevel, at)
  for (const value of [session.id, session.epoch, topics.length]) at = bytes.writeInt32BE(value, at)
  for (const { topic, partitions } of topics) {
    at = putText(bytes, at, topic)
    at = bytes.writeInt32BE(partitions.length, at)
    for (const { partition, fetchOffset, maxBytes } of partitions) {
      at = bytes.writeInt32BE(partition, at)
      // The epoch of the leader: any.
      at = bytes.writeInt32BE(none, at)
      at = putInt64(bytes, at, fetchOffset)
      // Where the log starts, in eight bytes: only a follower says it.
      at = bytes.writeInt32BE(none, at)
      at = bytes.writeInt32BE(none, at)
      at = bytes.writeInt32BE(maxBytes, at)
    }
  }
  at = bytes.writeInt32BE(session.forgotten.length, at)
  for (const { topic, partitions } of session.forgotten) {
    at = putText(bytes, at, topic)
    at = bytes.writeInt32BE(partitions.length, at)
    for (const partition of partitions) at = bytes.writeInt32BE(partition, at)
  }
  putText(bytes, at, rackId)
  return bytes
}

function sizeOf({ topics, session: { forgotten } }: Given, rackId: string): number {
  let size = headBytes + 4 + 4 + 2 + Buffer.byteLength(rackId)
  for (const { topic, partitions } of topics) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * partitionBytes
  for (const { topic, partitions } of forgotten) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * 4
  return size
}

function putText(bytes: Buffer, at: number, text: string): number {
  const length = bytes.write(text, at + 2)
  bytes.writeInt16BE(length, at)
  return at + 2 + length
}

function putInt64(bytes: Buffer, at: number, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) return bytes.writeBigInt64BE(BigInt(text), at)
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  return bytes.writeUInt32BE(value % 2 ** 32, at + 4)
}

function fetchAnswer({ decodeMessages, parse }: Omit<FetchParts, 'Encoder'>): object {
  return {
    parse,
    async decode(bytes: Buffer): Promise<object> {
      const answer: Answer = { buffer: bytes, offset: 0 }
      const clientSideThrottleTime = takeInt32(answer)
      const errorCode = takeInt16(answer)
      const sessionId = takeInt32(answer)
      const responses = []
      for (let left = takeInt32(answer); left > 0; left--) {
        const topicName = takeText(answer)
        const partitions = []
        for (let more = takeInt32(answer); more > 0; more--) {
          const head = takeHead(answer)
          const messages = takeNothing(answer) ? [] : await decodeMessages(answer)
          partitions.push({ ...head, messages })
        }
        responses.push({ topicName, partitions })
      }
      // The broker has waited itself: a client that waits as well is only slow.
      return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses }
    },
  }
}

function takeHead(answer: Answer) {
  return {
    partition: takeInt32(answer),
    errorCode: takeInt16(answer),
    highWatermark: takeInt64(answer),
    lastStableOffset: takeInt64(answer),
    lastStartOffset: takeInt64(answer),
    abortedTransactions: takeAborted(answer),
    preferredReadReplica: takeInt32(answer),
  }
}

function takeAborted(answer: Answer): AbortedTransaction[] {
  const aborted = []
  for (let left = takeInt32(answer); left > 0; left--)
    aborted.push({ producerId: takeInt64(answer), firstOffset: takeInt64(answer) })
  return aborted
}

/** Of most partitions there is nothing new. */
function takeNothing(answer: Answer): boolean {
  if (answer.buffer.readInt32BE(answer.offset) > 0) return false
  answer.offset += 4
  return true
}

function takeInt16(answer: Answer): number {
  const value = answer.buffer.readInt16BE(answer.offset)
  answer.offset += 2
  return value
}

function takeInt32(answer: Answer): number {
  const value = answer.buffer.readInt32BE(answer.offset)
  answer.offset += 4
  return value
}

/** As text, as kafkajs has it. */
function takeInt64(answer: Answer): string {
  const { buffer, offset } = answer
  answer.offset += 8
  const high = buffer.readInt32BE(offset)
  // Exact, and without a BigInt, up to 2^53.
  if (high >= 0 && high < 2 ** 21) return String(high * 2 ** 32 + buffer.readUInt32BE(offset + 4))
  return buffer.readBigInt64BE(offset).toString()
}

function takeText(answer: Answer): string {
  const length = takeInt16(answer)
  const text = answer.buffer.toString('utf8', answer.offset, answer.offset + length)
  answer.offset += length
  return text
}
