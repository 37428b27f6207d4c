/** Avro's 64-bit long as bigint (whole range) or as number (exact, or refused). */
import avro from 'avsc'
import type { Tap } from './tap.ts'

/** A long as bigint, -2^63 to 2^63 - 1. */
export const bigintLong: avro.Type = avro.types.LongType.__with(
  {
    fromBuffer: readVarint,
    toBuffer: writeVarint,
    // Schema defaults come through here, and ints that a reader takes as long.
    fromJSON: (json: unknown) => BigInt(json as string | number | bigint),
    toJSON: (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()),
    isValid: isInt64,
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  },
  true,
)

/** A long as number, -(2^53 - 1) to 2^53 - 1; anything else is refused in both directions. */
class SafeLong extends avro.types.LongType {
  _check(value: unknown, _flags: unknown, hook?: (value: unknown, type: avro.Type) => void): boolean {
    const fits = Number.isSafeInteger(value)
    if (!fits) hook?.(value, this)
    return fits
  }

  _read(tap: Tap): number {
    const start = tap.pos
    const value = tap.readLong()
    if (value < EXACT && value > -EXACT) return value
    const exact = Number(readVarint(tap.buf.subarray(start, tap.pos)))
    if (!Number.isSafeInteger(exact)) throw new Error(`long beyond 2^53 - 1, which a schema with long 'number' cannot hold`)
    return exact
  }

  _write(tap: Tap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw new Error('not a safe integer')
    const number = value as number
    if (number < EXACT && number > -EXACT) tap.writeLong(number)
    else tap.writeFixed(writeVarint(BigInt(number)))
  }
}

// avsc zigzags in doubles: from 2^52 on the doubled value no longer fits 53 bits.
const EXACT = 2 ** 52

export const numberLong: avro.Type = new SafeLong()

/** The long at the cursor, exactly. Past the end it is any, as with all that a cursor reads. */
export function longAt(tap: Tap): bigint {
  const start = tap.pos
  tap.skipLong()
  return readVarint(tap.buf.subarray(start, tap.pos))
}

function isInt64(value: unknown): boolean {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
}

/** A zigzag varint of 1 to 10 bytes. Most longs are short: number arithmetic as far as it is exact. */
function readVarint(bytes: Buffer): bigint {
  if (bytes.length > 10) throw new Error('a long of more than 10 bytes')
  let low = 0
  for (let i = Math.min(bytes.length, 7) - 1; i >= 0; i--) low = low * 128 + (bytes[i]! & 0x7f)
  if (bytes.length <= 7) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
  let high = 0
  for (let i = bytes.length - 1; i >= 7; i--) high = high * 128 + (bytes[i]! & 0x7f)
  const zigzag = (BigInt(high) << 49n) | BigInt(low)
  if (zigzag >> 64n !== 0n) throw new Error('a long of more than 64 bits')
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

const scratch = Buffer.alloc(10)

/** Valid until the next call: avsc copies it at once. */
function writeVarint(value: bigint): Buffer {
  let low: number
  let high = 0
  if (value < 2n ** 47n && value > -(2n ** 47n)) {
    const number = Number(value)
    low = number >= 0 ? number * 2 : -number * 2 - 1
  } else {
    const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    low = Number(BigInt.asUintN(49, zigzag))
    high = Number(zigzag >> 49n)
  }
  let length = 0
  for (; low > 127 || (high > 0 && length < 7); low = Math.floor(low / 128)) scratch[length++] = (low % 128) | 0x80
  if (high === 0) {
    scratch[length++] = low
    return scratch.subarray(0, length)
  }
  for (; high > 127; high = Math.floor(high / 128)) scratch[length++] = (high % 128) | 0x80
  scratch[length++] = high
  return scratch.subarray(0, length)
}
