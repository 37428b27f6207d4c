/**
 * avsc types without the holes that bytes from a topic, or a payload from JSON, can use:
 *
 * - a count of 2^40 items in a ten-byte value: avsc would loop and allocate that often, past the end of the bytes;
 * - a count that is believed at every level of a tree: avsc makes room for all items before it reads one, and 20 kB ask for gigabytes;
 * - a block with a negative size: skipping it moves backwards, for ever;
 * - a length that is a varint of 150 bytes: it comes out as NaN, which avsc takes from its pool of buffers, and from then on every
 *   bytes field of the process is empty;
 * - a boolean of 2, a text that is not UTF-8: read as something else than what was written;
 * - a map key `__proto__`: it would become the prototype of the decoded map;
 * - an enum value such as 'toString', which avsc finds on Object.prototype and writes as garbage;
 * - an int wider than 32 bits, or given as bigint; a string with half a surrogate pair, which other languages' decoders refuse;
 * - bytes that are no UTF-8, read as the string that their field has become;
 * - a long beyond 2^53 as float or double, of which avsc may lose the sign.
 *
 * Item counts are checked against the bytes that are left, so an item must take at least one byte: schema-shape.ts refuses others.
 */
import { isUtf8 } from 'node:buffer'
import avro from 'avsc'
import { longAt } from './long.ts'
import { type Resolving, resolveField } from './resolve.ts'
import type { Copies, ErrorHook, Mutable, Reads, Skips, Tap } from './tap.ts'

export class GuardedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    // `this` is the type, or a resolver that borrowed the method: both have `itemsType`.
    const items = this.itemsType as unknown as Reads
    let count = readCount(tap)
    const values: unknown[] = new Array(Math.min(count, ROOM))
    for (let i = 0; count !== 0; count = readCount(tap)) {
      while (count--) {
        values[i++] = items._read(tap)
        refuseOverrun(tap)
      }
    }
    return values
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Skips
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) {
        items._skip(tap)
        refuseOverrun(tap)
      }
    }
  }

  _update(resolver: Mutable<Reads> & { itemsType: unknown }, writer: avro.Type, opts: Resolving): void {
    if (!(writer instanceof avro.types.ArrayType)) return
    resolver.itemsType = resolveField(this.itemsType, writer.itemsType, '[]', opts)
    resolver._read = this._read
  }
}

export class GuardedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Reads
    const map: Record<string, unknown> = {}
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) {
        const key = readText(tap)
        const value = values._read(tap)
        refuseOverrun(tap)
        set(map, key, value)
      }
    }
    return map
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as Skips
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) {
        skipText(tap)
        values._skip(tap)
        refuseOverrun(tap)
      }
    }
  }

  _copy(value: unknown, opts?: { readonly coerce?: number }): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object')
    const copy: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) set(copy, key, (this.valuesType as Copies)._copy(inner, opts))
    return copy
  }

  _update(resolver: Mutable<Reads> & { valuesType: unknown }, writer: avro.Type, opts: Resolving): void {
    if (!(writer instanceof avro.types.MapType)) return
    resolver.valuesType = resolveField(this.valuesType, writer.valuesType, '{}', opts)
    resolver._read = this._read
  }
}

function set(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })
  else map[key] = value
}

export class GuardedEnum extends avro.types.EnumType {
  _check(value: unknown, _flags: unknown, hook?: ErrorHook): boolean {
    const known = typeof value === 'string' && this.symbols.includes(value)
    if (!known) hook?.(value, this)
    return known
  }

  _write(tap: Tap, value: unknown): void {
    const index = this.symbols.indexOf(value as string)
    if (index === -1) throw new Error('not a symbol of the enum')
    tap.writeLong(index)
  }
}

class GuardedInt extends avro.types.IntType {
  // avsc's own, told a bigint, throws something that names no field.
  _check(value: unknown, _flags: unknown, hook?: ErrorHook): boolean {
    const fits = typeof value === 'number' && value === (value | 0)
    if (!fits) hook?.(value, this)
    return fits
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number' || value !== (value | 0)) throw new Error('not an int')
    tap.writeLong(value)
  }

  _read(tap: Tap): number {
    const value = tap.readInt()
    if (value !== (value | 0)) throw new Error('an int of more than 32 bits')
    return value
  }
}

class GuardedBoolean extends avro.types.BooleanType {
  _read(tap: Tap): boolean {
    const byte = tap.buf[tap.pos++]
    if (byte === 0) return false
    if (byte === 1) return true
    throw new Error(byte === undefined ? 'the bytes end too early' : `a boolean of ${byte}, which is neither 0 nor 1`)
  }
}

class GuardedBytes extends avro.types.BytesType {
  _read(tap: Tap): Buffer {
    return tap.readFixed(readLength(tap))
  }

  _skip(tap: Tap): void {
    skipText(tap)
  }
}

class GuardedString extends avro.types.StringType {
  // Also called by resolvers, which borrow it: no `this`.
  _read(tap: Tap): string {
    return readText(tap)
  }

  _skip(tap: Tap): void {
    skipText(tap)
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') throw new Error('not a string')
    // As every web API does: half a surrogate pair becomes U+FFFD.
    tap.writeString(value.isWellFormed() ? value : value.toWellFormed())
  }

  _update(resolver: Mutable<Reads>, writer: avro.Type): void {
    if (writer.typeName === 'string') resolver._read = (this as unknown as Reads)._read
    if (writer.typeName === 'bytes') resolver._read = readText
  }
}

class GuardedDouble extends avro.types.DoubleType {
  _update(resolver: Mutable<Reads>, writer: avro.Type): void {
    resolver._read = floatingRead(writer, ['double', 'float', 'int'], value => value)
  }
}

class GuardedFloat extends avro.types.FloatType {
  _update(resolver: Mutable<Reads>, writer: avro.Type): void {
    // The nearest float, as it would come back once it is written.
    resolver._read = floatingRead(writer, ['float', 'int'], Math.fround)
  }
}

/** Undefined for a writer that is no number, or a wider one. */
function floatingRead(writer: avro.Type, as: readonly string[], round: (value: number) => number): Reads['_read'] {
  const { typeName } = writer
  if (typeName === 'long' || typeName === 'abstract:long') return tap => round(Number(longAt(tap)))
  const read = (writer as unknown as Reads)._read
  if (typeName === 'int') return tap => round(read(tap) as number)
  return as.includes(typeName) ? read : (undefined as never)
}

export const guardedBoolean: avro.Type = new GuardedBoolean()
export const guardedBytes: avro.Type = new GuardedBytes()
export const guardedInt: avro.Type = new GuardedInt()
export const guardedString: avro.Type = new GuardedString()
export const guardedFloat: avro.Type = new GuardedFloat()
export const guardedDouble: avro.Type = new GuardedDouble()

/** Items that an array has room for before they are read. All levels of a nested value may claim as many: a stack holds some 10,000 levels. */
const ROOM = 128

/** The number of items in the next block of an array or map. A block's size, when it has one, is not believed. */
function readCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  const left = tap.buf.length - tap.pos
  // Written so that NaN (an endless varint) is refused too.
  if (!(count <= left)) throw new Error(`an array or map claims ${count} items with ${left} bytes left`)
  return count
}

/** Past the end avsc reads zeros and goes on: items of 300 bytes each, as many as there are bytes. */
function refuseOverrun(tap: Tap): void {
  if (!(tap.pos <= tap.buf.length)) throw new Error('the bytes end too early')
}

/** Of a string, bytes or a map key. */
function readLength(tap: Tap): number {
  const length = tap.readLong()
  const left = tap.buf.length - tap.pos
  if (length > left) throw new Error(`the bytes end too early: a length of ${length} with ${left} left`)
  // So written for NaN too.
  if (!(length >= 0)) throw new Error(`a length of ${length}`)
  return length
}

function readText(tap: Tap): string {
  const length = readLength(tap)
  const from = tap.pos
  tap.pos += length
  const short = length <= SHORT ? asciiText(tap.buf, from, tap.pos) : undefined
  if (short !== undefined) return short
  const text = tap.buf.utf8Slice(from, tap.pos)
  // What cannot be read becomes U+FFFD, without a word. The search is free in a text of one byte a character.
  if (text.includes('\ufffd') && !isUtf8(tap.buf.subarray(from, tap.pos))) throw new Error('a text that is not UTF-8')
  return text
}

/** Up to here a text of ASCII is put together sooner than the call that reads any text returns. */
const SHORT = 8

/** Undefined when it is not ASCII. */
function asciiText(bytes: Buffer, from: number, to: number): string | undefined {
  let text = ''
  let at = from
  for (; at + 3 < to; at += 4) {
    const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!]
    if ((a | b | c | d) > 127) return undefined
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < to; at++) {
    if (bytes[at]! > 127) return undefined
    text += String.fromCharCode(bytes[at]!)
  }
  return text
}

function skipText(tap: Tap): void {
  const length = readLength(tap)
  tap.pos += length
}
