import { batchOverheadBytes, withLength } from '../record-size.ts'
import { crc32c } from './checksum.ts'
import { bodySize, type EncodableRecord, encodable, type GivenMessage, putRecord } from './encoded-record.ts'

/** Milliseconds since 1970, as a text or number; without one it is the time of the call. */
export type TimedMessage = GivenMessage & { readonly timestamp?: string | number | null }

export interface BatchSettings {
  /** The number that the protocol gives a codec; 0 is none. */
  readonly codec: number
  readonly compress: (codec: number, records: Buffer) => Promise<Buffer>
  readonly isTransactional: boolean
  /** An int64. */
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
}

/** The checksum is of what lies behind it. */
const checksummedFrom = 21
const transactionalBit = 16

/**
 * Messages as one record batch of the format v2, written once and in one piece: kafkajs makes an encoder a record and copies all of
 * them four times. Rejects as `compress` does.
 * https://kafka.apache.org/documentation/#recordbatch
 */
export async function encodeBatch(messages: readonly TimedMessage[], settings: BatchSettings): Promise<Buffer> {
  const times = timesOf(messages)
  const { codec, compress } = settings
  const batch =
    codec === 0
      ? encodeRecords(messages, times, batchOverheadBytes)
      : Buffer.concat([Buffer.alloc(batchOverheadBytes), await compress(codec, encodeRecords(messages, times, 0))])
  return withHead(batch, messages.length, times, settings)
}

interface Times {
  readonly firstMs: number
  readonly lastMs: number
  /** Of each message. */
  readonly all: readonly number[]
}

function timesOf(messages: readonly TimedMessage[]): Times {
  const nowMs = Date.now()
  const all = messages.map(({ timestamp }) => Number(timestamp ?? nowMs))
  let [firstMs, lastMs] = [all[0] ?? nowMs, all[0] ?? nowMs]
  for (const one of all) {
    if (one < firstMs) firstMs = one
    else if (one > lastMs) lastMs = one
  }
  return { firstMs, lastMs, all }
}

/** The records behind `start` bytes that are left free. */
function encodeRecords(messages: readonly TimedMessage[], { firstMs, all }: Times, start: number): Buffer {
  const records: EncodableRecord[] = messages.map(encodable)
  const bodies: number[] = []
  let size = start
  for (let i = 0; i < records.length; i++) {
    const body = bodySize(records[i]!, i, all[i]! - firstMs)
    bodies.push(body)
    size += withLength(body)
  }
  const bytes = Buffer.allocUnsafe(size)
  let at = start
  for (let i = 0; i < records.length; i++)
    at = putRecord(bytes, at, records[i]!, { body: bodies[i]!, offsetDelta: i, timestampDelta: all[i]! - firstMs })
  return bytes
}

function withHead(batch: Buffer, count: number, { firstMs, lastMs }: Times, settings: BatchSettings): Buffer {
  const { codec, isTransactional, producerId, producerEpoch, firstSequence } = settings
  batch.writeBigInt64BE(0n, 0) // the broker gives the offset
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(0, 12) // the epoch of the partition's leader, which is the broker's to know
  batch[16] = 2
  batch.writeInt16BE(codec | (isTransactional ? transactionalBit : 0), 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(BigInt(firstMs), 27)
  batch.writeBigInt64BE(BigInt(lastMs), 35)
  batch.writeBigInt64BE(BigInt(producerId), 43)
  batch.writeInt16BE(producerEpoch, 51)
  batch.writeInt32BE(firstSequence, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(checksummedFrom)), 17)
  return batch
}
