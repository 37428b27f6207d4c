import type { Header, Headers } from './headers.ts'

/**
 * Headers as they lie in a record of Kafka's format v2: for each a zigzag varint and the bytes of its name, then of its value, -1 for
 * null. Whoever hands headers on, and changes few of them, need not make the others.
 * https://kafka.apache.org/documentation/#recordheader
 */
export class EncodedHeaders {
  readonly count: number
  readonly bytes: Buffer

  constructor(count: number, bytes: Buffer) {
    this.count = count
    this.bytes = bytes
  }

  static of(headers: Headers): EncodedHeaders {
    const parts = headers.flatMap(([name, value]) => [...sized(Buffer.from(name, 'utf8')), ...sized(value)])
    return new EncodedHeaders(headers.length, Buffer.concat(parts))
  }

  pairs(): Headers {
    const { bytes } = this
    const pairs: Header[] = []
    let at = 0
    for (let left = this.count; left > 0; left--) {
      const name = contentAt(bytes, at)
      const nameEnd = endAt(bytes, at)
      at = endAt(bytes, nameEnd)
      const value = lengthAt(bytes, nameEnd) < 0 ? null : bytes.subarray(contentAt(bytes, nameEnd), at)
      pairs.push([bytes.toString('utf8', name, nameEnd), value])
    }
    return pairs
  }
}

/** The length that lies there, a zigzag varint of 32 bits; below 0 for null. In whole numbers only: it is most of what walking over headers costs. */
export function lengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at]! | 0
  let zigzag = first & 127
  if (first >= 128) {
    let next = at
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = bytes[++next]! | 0
      zigzag |= (byte & 127) << shift
      if (byte < 128) break
    }
  }
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

/** Where what has this length begins. */
export function contentAt(bytes: Buffer, at: number): number {
  let end = at
  while (bytes[end]! >= 128) end++
  return end + 1
}

/** Where what has this length ends. */
export function endAt(bytes: Buffer, at: number): number {
  return contentAt(bytes, at) + Math.max(0, lengthAt(bytes, at))
}

function sized(bytes: Buffer | null): Buffer[] {
  const length: number[] = []
  let rest = bytes === null ? 1 : bytes.length * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  length.push(rest)
  return bytes === null ? [Buffer.from(length)] : [Buffer.from(length), bytes]
}
