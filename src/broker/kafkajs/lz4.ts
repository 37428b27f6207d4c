/**
 * LZ4 in frames, as Kafka's clients write it: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 * Checksums inside a frame are passed over. Our own, as no library on npm both takes frames and lets its output be bounded.
 */
import { BoundedOutput } from './bounded-output.ts'

const magic = 0x184d2204
const skippable = 0x184d2a50

/** Throws when the bytes are no LZ4, or more than `limit` decompressed. */
export function decompressLz4(bytes: Buffer, limit: number): Buffer {
  const output = new BoundedOutput(limit, bytes.length * 4)
  for (let at = 0; at < bytes.length; ) at = readFrame(bytes, at, output)
  return output.bytes()
}

function readFrame(bytes: Buffer, start: number, output: BoundedOutput): number {
  const kind = uint32(bytes, start)
  if ((kind & 0xfffffff0) >>> 0 === skippable) return start + 8 + uint32(bytes, start + 4)
  if (kind !== magic) throw new Error('no LZ4 frame')
  const flags = bytes[start + 4] ?? 0
  if (flags >> 6 !== 1) throw new Error(`LZ4 frame of version ${flags >> 6}`)
  const has = (bit: number): boolean => (flags & bit) !== 0
  // Flags, block size, then content size and dictionary id where there are such, then a checksum of these.
  let at = start + 6 + (has(8) ? 8 : 0) + (has(1) ? 4 : 0) + 1
  for (;;) {
    const word = uint32(bytes, at)
    at += 4
    if (word === 0) return at + (has(4) ? 4 : 0)
    const length = word & 0x7fffffff
    if (word >= 0x80000000) output.copy(bytes, at, length)
    else readBlock(bytes, at, at + length, output)
    at += length + (has(16) ? 4 : 0)
  }
}

/** Sequences of literal bytes and a repetition; the last one has literals only. */
function readBlock(bytes: Buffer, start: number, end: number, output: BoundedOutput): void {
  if (end > bytes.length) throw new Error('the compressed bytes end too early')
  for (let at = start; at < end; ) {
    const token = bytes[at++]!
    let literals = token >> 4
    if (literals === 15) [literals, at] = readLength(bytes, at, end)
    output.copy(bytes, at, literals)
    at += literals
    if (at >= end) return
    const distance = bytes[at]! | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    let repeated = token & 15
    if (repeated === 15) [repeated, at] = readLength(bytes, at, end)
    output.repeat(distance, repeated + 4)
  }
}

function readLength(bytes: Buffer, start: number, end: number): [length: number, at: number] {
  let length = 15
  for (let at = start; at < end; ) {
    const more = bytes[at++]!
    length += more
    if (more !== 255) return [length, at]
  }
  throw new Error('the compressed bytes end too early')
}

function uint32(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw new Error('the compressed bytes end too early')
  return bytes.readUInt32LE(at)
}
