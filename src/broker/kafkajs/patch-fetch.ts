/**
 * Version 11 of the request that fetches records, and of its answer, in place of kafkajs's own. Those make an encoder of 512 bytes for
 * each partition, three promises and four BigInts for what comes of it, with every fetch: with some 40 partitions 150 KB of garbage and
 * 1 ms, which was most of what a group without anything to do costs, and of what each message costs that comes alone.
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
import type { AbortedTransaction, FetchRequest, RawMessage } from './internals.ts'
import type { Encoder } from './patch-encoder.ts'
import type { Answer } from './patch-fetched.ts'

/** What kafkajs asks for; offsets are int64 as text. */
interface Given extends Omit<FetchRequest, 'isolationLevel'> {
  readonly replicaId: number
  readonly isolationLevel?: FetchRequest['isolationLevel']
  readonly rackId?: string
}

export interface FetchParts {
  /** kafkajs's. */
  readonly Encoder: new () => unknown
  /** Takes the records of one partition. */
  readonly decodeMessages: (answer: Answer) => Promise<RawMessage[]>
  /** Throws what the answer says went wrong. */
  readonly parse: (answer: unknown) => unknown
}

const readCommitted = 1
const noSession = 0
const none = -1
const headBytes = 4 * 4 + 1 + 2 * 4
const partitionBytes = 4 + 4 + 8 + 8 + 4

export function fetchRequest({ Encoder }: Pick<FetchParts, 'Encoder'>): (request: Given) => object {
  return request => ({
    apiKey: 1,
    apiVersion: 11,
    apiName: 'Fetch',
    async encode() {
      const encoder = new Encoder() as Encoder
      encoder.writeBufferInternal(encoded(request))
      return encoder
    },
  })
}

function encoded(request: Given): Buffer {
  const { replicaId, maxWaitTime, minBytes, maxBytes, isolationLevel = readCommitted, topics, rackId = '' } = request
  const bytes = Buffer.allocUnsafe(sizeOf(request, rackId))
  let at = 0
  for (const value of [replicaId, maxWaitTime, minBytes, maxBytes]) at = bytes.writeInt32BE(value, at)
  at = bytes.writeInt8(isolationLevel, at)
  for (const value of [noSession, none, topics.length]) at = bytes.writeInt32BE(value, at)
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
  // No topic leaves a session, as there is none.
  at = bytes.writeInt32BE(0, at)
  putText(bytes, at, rackId)
  return bytes
}

function sizeOf({ topics }: Given, rackId: string): number {
  let size = headBytes + 4 + 4 + 2 + Buffer.byteLength(rackId)
  for (const { topic, partitions } of topics) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * partitionBytes
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

export function fetchAnswer({ decodeMessages, parse }: Omit<FetchParts, 'Encoder'>): object {
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
