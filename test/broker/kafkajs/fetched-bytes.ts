/** Log bytes as a broker would answer them, made by hand: batches that are bombs, lies or torn. */
import { expect } from 'vitest'
import { bodySize, encodable, type GivenMessage, putRecord } from '../../../src/broker/kafkajs/encoded-record.ts'
import { withLength } from '../../../src/broker/record-size.ts'
import type { Headers } from '../../../src/message/headers.ts'

export interface BatchBytes {
  readonly base?: bigint
  /** By number: 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec?: number
  readonly count: number
  readonly body: Buffer
  readonly lastOffsetDelta?: number
  readonly attributes?: number
  readonly producerId?: bigint
}

/** A record batch of format v2; its checksum is not filled in, as nobody reads it. */
export function batchBytes({ base = 0n, codec = 0, count, body, ...rest }: BatchBytes): Buffer {
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(base, 0)
  head.writeInt32BE(61 - 12 + body.length, 8)
  head[16] = 2
  head.writeInt16BE(codec | (rest.attributes ?? 0), 21)
  head.writeInt32BE(rest.lastOffsetDelta ?? Math.max(0, count - 1), 23)
  head.writeBigInt64BE(1_700_000_000_000n, 27)
  head.writeBigInt64BE(1_700_000_000_001n, 35)
  head.writeBigInt64BE(rest.producerId ?? -1n, 43)
  head.writeInt32BE(count, 57)
  return Buffer.concat([head, body])
}

export function encodeRecord(given: GivenMessage & { readonly offsetDelta?: number; readonly timestampDelta?: number }): Buffer {
  const { offsetDelta = 0, timestampDelta = 0 } = given
  const record = encodable(given)
  const body = bodySize(record, offsetDelta, timestampDelta)
  const bytes = Buffer.alloc(withLength(body))
  expect(putRecord(bytes, 0, record, { body, offsetDelta, timestampDelta })).toBe(bytes.length)
  return bytes
}

export function recordsBytes(values: readonly string[], headers: Headers = []): Buffer {
  return Buffer.concat(
    values.map((value, offsetDelta) => encodeRecord({ offsetDelta, key: null, value: Buffer.from(value), headers })),
  )
}

/** The part of an answer that belongs to one partition. */
export function answerOf(...entries: readonly Buffer[]): { buffer: Buffer; offset: number } {
  const log = Buffer.concat(entries)
  const size = Buffer.alloc(4)
  size.writeInt32BE(log.length)
  return { buffer: Buffer.concat([size, log, Buffer.from('what follows')]), offset: 0 }
}
