/**
 * avsc types without the holes that bytes from a topic, or a payload from JSON, can use:
 *
 * - a count of 2^40 items in a ten-byte value: avsc would loop and allocate that often, past the end of the bytes;
 * - a block with a negative size: skipping it moves backwards, for ever;
 * - a map key `__proto__`: it would become the prototype of the decoded map;
 * - an enum value such as 'toString', which avsc finds on Object.prototype and writes as garbage;
 * - an int wider than 32 bits; a string with half a surrogate pair, which other languages' decoders refuse.
 *
 * Item counts are checked against the bytes that are left, so an item must take at least one byte: schema-shape.ts refuses others.
 */
import avro from 'avsc'
import type { ErrorHook, Reads, Skips, Tap } from './tap.ts'

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
}

export class GuardedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Reads
    const map: Record<string, unknown> = {}
    for (let count = readCount(tap); count !== 0; count = readCount(tap)) {
      while (count--) {
        const key = tap.readString()
        const value = values._read(tap)
        if (key === '__proto__') Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })
        else map[key] = value
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
}

export const guardedInt: avro.Type = new GuardedInt()
export const guardedString: avro.Type = new GuardedString()

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
