/**
 * Snappy, raw (librdkafka) and in the blocks of xerial's library (Java): https://github.com/google/snappy/blob/main/format_description.txt
 * Our own: the libraries on npm know no xerial, and take bytes that refer to nothing for zeros.
 */
import { BoundedOutput, tooManyBytes } from './bounded-output.ts'

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
/** Magic, version, oldest version that can read it. */
const xerialHeadBytes = 16

/** Throws when the bytes are no Snappy, or more than `limit` decompressed. */
export function decompressSnappy(bytes: Buffer, limit: number): Buffer {
  const output = new BoundedOutput(limit, bytes.length * 4)
  if (!bytes.subarray(0, xerial.length).equals(xerial)) {
    readBlock(bytes, limit, output)
    return output.bytes()
  }
  for (let at = xerialHeadBytes; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new Error('the compressed bytes end too early')
    const length = bytes.readUInt32BE(at)
    at += 4
    if (at + length > bytes.length) throw new Error('the compressed bytes end too early')
    readBlock(bytes.subarray(at, at + length), limit, output)
    at += length
  }
  return output.bytes()
}

function readBlock(bytes: Buffer, limit: number, output: BoundedOutput): void {
  let { value: claimed, at } = readClaim(bytes)
  const end = output.length + claimed
  if (end > limit) throw tooManyBytes(limit)
  while (at < bytes.length) {
    const tag = bytes[at++]!
    if ((tag & 3) === 0) {
      const extra = Math.max(0, (tag >> 2) - 59)
      const length = extra === 0 ? (tag >> 2) + 1 : littleEndian(bytes, at, extra) + 1
      output.copy(bytes, at + extra, length)
      at += extra + length
    } else if ((tag & 3) === 1) {
      output.repeat(((tag >> 5) << 8) | littleEndian(bytes, at, 1), ((tag >> 2) & 7) + 4)
      at += 1
    } else {
      const width = (tag & 3) === 2 ? 2 : 4
      output.repeat(littleEndian(bytes, at, width), (tag >> 2) + 1)
      at += width
    }
    if (output.length > end) break
  }
  if (output.length !== end) throw new Error(`${claimed} bytes were claimed and there are others`)
}

/** How many bytes there are decompressed, as a varint of at most five bytes. */
function readClaim(bytes: Buffer): { value: number; at: number } {
  let value = 0
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    value += (bytes[at]! & 127) * 2 ** (7 * at)
    if (bytes[at]! < 128) return { value, at: at + 1 }
  }
  throw new Error('no Snappy block')
}

function littleEndian(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error('the compressed bytes end too early')
  return bytes.readUIntLE(at, width)
}
