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
    const pairs: Header[] = []
    const cursor = new HeaderCursor(this)
    while (cursor.next()) pairs.push([this.bytes.toString('utf8', cursor.nameAt, cursor.nameEnd), cursor.value()])
    return pairs
  }
}

/** Walks over headers without making them: after `next` it says where one lies. */
export class HeaderCursor {
  /** Where the header begins, in `bytes`, and its parts; `end` is where the next one begins. `valueAt` is -1 for null. */
  at = 0
  nameAt = 0
  nameEnd = 0
  valueAt = 0
  end = 0
  readonly #bytes: Buffer
  #left: number
  #next = 0

  constructor({ count, bytes }: EncodedHeaders) {
    this.#left = count
    this.#bytes = bytes
  }

  next(): boolean {
    if (this.#left-- <= 0) return false
    this.at = this.#next
    const nameLength = this.#length()
    this.nameAt = this.#next
    this.nameEnd = this.#next += nameLength
    const valueLength = this.#length()
    this.valueAt = valueLength < 0 ? -1 : this.#next
    this.end = this.#next += Math.max(0, valueLength)
    return true
  }

  value(): Buffer | null {
    return this.valueAt < 0 ? null : this.#bytes.subarray(this.valueAt, this.end)
  }

  text(): string | undefined {
    return this.valueAt < 0 ? undefined : this.#bytes.toString('utf8', this.valueAt, this.end)
  }

  #length(): number {
    let zigzag = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#next++] ?? 0
      zigzag += (byte & 127) * scale
      if (byte < 128) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }
}

function sized(bytes: Buffer | null): Buffer[] {
  const length: number[] = []
  let rest = bytes === null ? 1 : bytes.length * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  length.push(rest)
  return bytes === null ? [Buffer.from(length)] : [Buffer.from(length), bytes]
}
