/** The codecs of Kafka, all four, each with a bound on what comes out: a batch of 0.4 MB can be 400 MB inside. */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { tooManyBytes } from './bounded-output.ts'
import { decompressLz4 } from './lz4.ts'
import { decompressSnappy } from './snappy.ts'

/** By the number in a batch's attributes. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** What one batch may become. Of the whole process: kafkajs decodes an answer without knowing whose connection it came by. */
export interface BatchLimits {
  /** Decompressed. Default 64 MiB. */
  readonly maxBytes: number
  /** Records and their headers, counted together. Default 1,000,000. */
  readonly maxItems: number
}

export const batchLimits: { -readonly [K in keyof BatchLimits]: BatchLimits[K] } = {
  maxBytes: 64 * 1024 * 1024,
  maxItems: 1_000_000,
}

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip)
/** What kafkajs does not bring. */
export const compressZstd = promisify<Buffer, Buffer>(zlib.zstdCompress)
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)

/** Rejects when the bytes are not of this codec, or more than `limit` decompressed. */
export async function decompress(codec: number, bytes: Buffer, limit = batchLimits.maxBytes): Promise<Buffer> {
  try {
    switch (codecNames[codec]) {
      case 'gzip':
        return await gunzip(bytes, { maxOutputLength: limit })
      case 'snappy':
        return decompressSnappy(bytes, limit)
      case 'lz4':
        return decompressLz4(bytes, limit)
      case 'zstd':
        return await unzstd(bytes, { maxOutputLength: limit })
      default:
        throw new Error(`codec ${codec} is not known`)
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooManyBytes(limit) : error
  }
}
