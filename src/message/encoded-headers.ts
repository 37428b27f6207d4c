import type { Header, Headers } from './headers.ts'

/** Of a record, either way. */
export interface RecordHeaders {
  readonly headers: Headers
  readonly encodedHeaders?: EncodedHeaders | undefined
}

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

  static ofRecord(record: RecordHeaders): EncodedHeaders {
    return record.encodedHeaders ?? EncodedHeaders.of(record.headers)
  }

  static of(headers: Headers): EncodedHeaders {
    const parts = headers.flatMap(([name, value]) => [...sized(Buffer.from(name, 'utf8')), ...sized(value)])
    return new EncodedHeaders(headers.length, Buffer.concat(parts))
  }

  /** The first value of this name that is not null; undefined when there is none. */
  text(name: Buffer): string | undefined {
    const { bytes } = this
    let at = 0
    for (let left = this.count; left > 0; left--) {
      const nameAt = contentAt(bytes, at)
      const nameEnd = endAt(bytes, at)
      at = endAt(bytes, nameEnd)
      if (isAt(bytes, nameAt, nameEnd, name) && lengthAt(bytes, nameEnd) >= 0)
        return bytes.toString('utf8', contentAt(bytes, nameEnd), at)
    }
    return undefined
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

function isAt(bytes: Buffer, from: number, to: number, wanted: Buffer): boolean {
  if (to - from !== wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false
  return true
}

/** A header's name as `HeaderWriter` takes it: with its length. */
export function headerName(name: string): Buffer {
  return Buffer.concat(sized(Buffer.from(name, 'utf8')))
}

/** What a trail within its budget may ask for, three bytes a character. */
const scratchBytes = 32 * 1024

/** Puts headers together whose values are texts, without a buffer for each: a copy of a failed message has some twenty. */
export class HeaderWriter {
  #bytes = Buffer.allocUnsafeSlow(scratchBytes)
  #end = 0
  #count = 0

  /** `name` as headerName gives it. */
  add(name: Buffer, value: string): void {
    this.#makeRoom(name.length + maxLengthBytes + value.length * 3)
    this.#bytes.set(name, this.#end)
    this.#end = putText(this.#bytes, this.#end + name.length, value)
    this.#count++
  }

  /** What was added, behind room for `count` others of so many bytes; then it is empty. */
  take(count = 0, roomBytes = 0): EncodedHeaders {
    const bytes = Buffer.allocUnsafe(roomBytes + this.#end)
    bytes.set(this.#bytes.subarray(0, this.#end), roomBytes)
    const taken = new EncodedHeaders(count + this.#count, bytes)
    if (this.#bytes.length > scratchBytes) this.#bytes = Buffer.allocUnsafeSlow(scratchBytes)
    this.#end = this.#count = 0
    return taken
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow((this.#end + bytes) * 2)
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
  }
}

/** Of a varint of 32 bits. */
const maxLengthBytes = 5
/** Characters of which each may take three bytes, and the length still takes one. */
const shortText = 21

/** A text with its length. Where it ends. */
function putText(target: Buffer, at: number, text: string): number {
  if (text.length <= shortText) {
    const end = putAscii(target, at + 1, text) || at + 1 + target.write(text, at + 1)
    target[at] = (end - at - 1) * 2
    return end
  }
  let start = at
  let rest = Buffer.byteLength(text) * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[start++] = (rest % 128) + 128
  target[start++] = rest
  return start + target.write(text, start)
}

/** Where it ends; 0 when it is not all ASCII. Of short texts a loop beats the call out of JavaScript. */
function putAscii(target: Buffer, start: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return 0
    target[start + i] = code
  }
  return start + text.length
}

function sized(bytes: Buffer | null): Buffer[] {
  const length: number[] = []
  let rest = bytes === null ? 1 : bytes.length * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  length.push(rest)
  return bytes === null ? [Buffer.from(length)] : [Buffer.from(length), bytes]
}
