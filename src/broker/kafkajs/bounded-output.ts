/** Bytes that a decoder writes, one after another, up to a limit. Memory grows with what is written, never with what is claimed. */
export class BoundedOutput {
  readonly #limit: number
  #buffer: Buffer
  #length = 0

  constructor(limit: number, expected: number) {
    this.#limit = limit
    this.#buffer = Buffer.allocUnsafe(Math.min(limit, Math.max(1024, expected)))
  }

  /** Throws when the source ends before these bytes, or the limit is passed. */
  copy(source: Buffer, from: number, length: number): void {
    if (from + length > source.length) throw new Error('the compressed bytes end too early')
    this.#reserve(length)
    const buffer = this.#buffer
    const at = this.#length
    // A loop beats the call out of JavaScript for the few bytes that most pieces have.
    if (length > 24) source.copy(buffer, at, from, from + length)
    else for (let i = 0; i < length; i++) buffer[at + i] = source[from + i]!
    this.#length += length
  }

  /** Repeats what was written `distance` bytes ago, which may reach into what it writes. Throws when that is before the beginning. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#length) throw new Error('the compressed bytes refer to what is not there')
    this.#reserve(length)
    const start = this.#length - distance
    if (length <= 24 || (length <= 256 && distance < length)) {
      const buffer = this.#buffer
      for (let i = 0; i < length; i++) buffer[this.#length + i] = buffer[start + i]!
      this.#length += length
      return
    }
    for (let left = length; left > 0; ) {
      // What lies since `start` repeats itself, so each step may be twice as long as the one before.
      const step = Math.min(left, this.#length - start)
      this.#buffer.copyWithin(this.#length, start, start + step)
      this.#length += step
      left -= step
    }
  }

  get length(): number {
    return this.#length
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed > this.#limit) throw tooManyBytes(this.#limit)
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.#buffer.length * 2)))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}

export function tooManyBytes(limit: number): Error {
  return new Error(`more than ${limit} bytes when decompressed`)
}
