/** Batches as somebody else's producer might write them: compressed bytes of our own making inside a request of kafkajs. */
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import zlib from 'node:zlib'
import type * as KafkaJs from 'kafkajs'
import { inject } from 'vitest'
import { library } from '../../src/broker/kafkajs/library.ts'
import { unique } from '../unique.ts'

export const codecs = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type Codec = keyof typeof codecs

/** One batch of `count` records whose compressed bytes are `body`, on partition 0. The broker checks that they are that many records. */
export async function writeBatch(topic: string, codec: Codec, count: number, body: Buffer): Promise<void> {
  library()
  const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof KafkaJs
  const known = kafkajs.CompressionCodecs as Record<number, () => object>
  const before = known[codecs[codec]]!
  const producer = new kafkajs.Kafka({
    brokers: [...inject('brokers')],
    clientId: unique('raw'),
    logLevel: kafkajs.logLevel.NOTHING,
  }).producer({ createPartitioner: () => () => 0 })
  try {
    await producer.connect()
    known[codecs[codec]] = () => ({ ...before(), compress: async () => body })
    await producer.send({ topic, compression: codecs[codec], messages: Array.from({ length: count }, () => ({ value: '' })) })
  } finally {
    known[codecs[codec]] = before
    await producer.disconnect()
  }
}

/** One record without a key whose value is `bytes` zeros, compressed: never in memory as it is. */
export function bombOf(bytes: number, codec: 'gzip' | 'zstd'): Promise<Buffer> {
  const body = Buffer.concat([Buffer.from([0, 0, 0, 1]), varint(bytes * 2)])
  const compressor = codec === 'gzip' ? zlib.createGzip() : zlib.createZstdCompress()
  const parts = function* (): Generator<Buffer> {
    yield Buffer.concat([varint((body.length + bytes + 1) * 2), body])
    const zeros = Buffer.alloc(1024 * 1024)
    for (let left = bytes; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length))
    // No headers.
    yield Buffer.from([0])
  }
  return buffer(Readable.from(parts()).pipe(compressor))
}

/** Of what is zigzagged already. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
