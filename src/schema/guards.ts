/**
 * avsc types without the holes that bytes from a topic, or a payload from JSON, can use:
 *
 * - a count of 2^40 items in a ten-byte value: avsc would loop and allocate that often, past the end of the bytes;
 * - a block with a negative size: skipping it moves backwards, for ever;
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
    const values: unknown[] = new Array(count)
    for (let i = 0; count !== 0; count = readCount(tap)) {
      while (count--) values[i++] = items._read(tap)
    }
    return values
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Skips
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) items._skip(tap)
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
        const key = tap.readString()
        set(map, key, values._read(tap))
      }
    }
    return map
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as Skips
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) {
        tap.skipString()
        values._skip(tap)
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

class GuardedString extends avro.types.StringType {
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

function readText(tap: Tap): string | undefined {
  const bytes = tap.readBytes()
  if (bytes !== undefined && !isUtf8(bytes)) throw new Error('bytes that are no UTF-8, where a string is wanted')
  return bytes?.toString('utf8')
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

export const guardedInt: avro.Type = new GuardedInt()
export const guardedString: avro.Type = new GuardedString()
export const guardedFloat: avro.Type = new GuardedFloat()
export const guardedDouble: avro.Type = new GuardedDouble()

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
