/**
 * CRC-32C, the checksum of a record batch, sixteen bytes a step instead of one. It is the largest cost of producing once the
 * headers are cheap: a quarter of the time. Node has only the other CRC-32.
 */
import { endianness } from 'node:os'

export function crc32c(bytes: Uint8Array): number {
  let crc = -1
  let at = 0
  // Words are read where they lie in memory, and only such as begin at a multiple of their size.
  for (; at < bytes.length && (bytes.byteOffset + at) % 4 !== 0; at++) crc = next(crc, bytes[at]!)
  if (isLittleEndian && bytes.length - at >= 16) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >>> 2)
    crc = ofWords(crc, words)
    at += (words.length >>> 2) * 16
  }
  for (; at < bytes.length; at++) crc = next(crc, bytes[at]!)
  return ~crc >>> 0
}

const isLittleEndian = endianness() === 'LE'

// Table n, at n * 256, is what a byte still does to the checksum n bytes later.
const tables = buildTables()

function next(crc: number, byte: number): number {
  return tables[(crc ^ byte) & 255]! ^ (crc >>> 8)
}

/** Four at a time; what is left over is not taken. */
function ofWords(before: number, words: Int32Array): number {
  let crc = before
  for (let at = 0, end = words.length - 3; at < end; at += 4) {
    const first = crc ^ words[at]!
    const [second, third, fourth] = [words[at + 1]!, words[at + 2]!, words[at + 3]!]
    crc =
      tables[3840 + (first & 255)]! ^
      tables[3584 + ((first >>> 8) & 255)]! ^
      tables[3328 + ((first >>> 16) & 255)]! ^
      tables[3072 + (first >>> 24)]! ^
      tables[2816 + (second & 255)]! ^
      tables[2560 + ((second >>> 8) & 255)]! ^
      tables[2304 + ((second >>> 16) & 255)]! ^
      tables[2048 + (second >>> 24)]! ^
      tables[1792 + (third & 255)]! ^
      tables[1536 + ((third >>> 8) & 255)]! ^
      tables[1280 + ((third >>> 16) & 255)]! ^
      tables[1024 + (third >>> 24)]! ^
      tables[768 + (fourth & 255)]! ^
      tables[512 + ((fourth >>> 8) & 255)]! ^
      tables[256 + ((fourth >>> 16) & 255)]! ^
      tables[fourth >>> 24]!
  }
  return crc
}

function buildTables(): Int32Array {
  const built = new Int32Array(16 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    built[byte] = crc
  }
  for (let i = 256; i < built.length; i++) {
    const before = built[i - 256]!
    built[i] = built[before & 255]! ^ (before >>> 8)
  }
  return built
}
