/**
 * A request is encoded from the inside out, each layer by an encoder of its own. That of kafkajs copies the layer inside into a
 * buffer that it grows by doubling and fills with zeros, for every batch again and again. Here a large piece is kept as it is, and all are
 * put together once, when somebody asks for the whole.
 */
export interface Encoder {
  /** What was written behind the pieces: up to `offset`. */
  buf: Buffer
  offset: number
  pieces?: Buffer[] | undefined
  pieceBytes?: number | undefined
  readonly buffer: Buffer
  writeBufferInternal(bytes: Buffer): void
  ensureAvailable(bytes: number): void
  writeEncoder(value: Encoder): Encoder
  writeEncoderArray(values: readonly Encoder[]): Encoder
  size(): number
}

/** Smaller ones are copied sooner than kept. */
const largeBytes = 8 * 1024

/** A piece that is written must not be changed any more: nothing in kafkajs does. */
export function withoutCopies({ prototype }: { readonly prototype: Encoder }): void {
  prototype.writeBufferInternal = function (bytes) {
    if (bytes.length < largeBytes) {
      this.ensureAvailable(bytes.length)
      this.buf.set(bytes, this.offset)
      this.offset += bytes.length
      return
    }
    this.pieces ??= []
    this.pieces.push(this.buf.subarray(0, this.offset), bytes)
    this.pieceBytes = (this.pieceBytes ?? 0) + this.offset + bytes.length
    this.buf = Buffer.allocUnsafe(512)
    this.offset = 0
  }
  prototype.ensureAvailable = function (bytes) {
    const needed = this.offset + bytes
    if (needed <= this.buf.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buf.length * 2))
    grown.set(this.buf.subarray(0, this.offset))
    this.buf = grown
  }
  prototype.writeEncoder = function (value) {
    if (!Buffer.isBuffer(value?.buf)) throw new Error('value should be an instance of Encoder')
    for (const piece of value.pieces ?? []) this.writeBufferInternal(piece)
    this.writeBufferInternal(value.pieces ? value.buf.subarray(0, value.offset) : value.buffer)
    return this
  }
  prototype.writeEncoderArray = function (values) {
    // Many small ones, such as the records of a batch: once room for all.
    this.ensureAvailable(values.reduce((sum, value) => sum + (value.pieces ? 0 : value.buffer.length), 0))
    for (const value of values) this.writeEncoder(value)
    return this
  }
  prototype.size = function () {
    return (this.pieceBytes ?? 0) + this.offset
  }
  Object.defineProperty(prototype, 'buffer', {
    configurable: true,
    get(this: Encoder): Buffer {
      if (this.pieces) {
        this.buf = Buffer.concat([...this.pieces, this.buf.subarray(0, this.offset)])
        this.offset = this.buf.length
        this.pieces = undefined
        this.pieceBytes = undefined
      }
      return this.buf.subarray(0, this.offset)
    },
  })
}
