/** decimal, on bytes or fixed, as text: '12.50'. Nothing else in JavaScript holds it. */
import avro from 'avsc'
import { Logical } from './logical.ts'

/** Digits. Far beyond what anybody counts in; without a bound, the text of a few megabytes of digits takes seconds. */
export const MAX_PRECISION = 1000

interface DecimalSchema {
  readonly precision: number
  readonly scale?: number
}

export class Decimal extends Logical {
  /** Digits altogether, and those of them after the point. */
  readonly precision: number
  readonly scale: number
  private readonly limit: bigint
  private readonly maxBytes: number

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    const { precision, scale = 0 } = schema as unknown as DecimalSchema
    this.precision = precision
    this.scale = scale
    this.limit = 10n ** BigInt(precision)
    this.maxBytes = twosComplement(-this.limit).length
  }

  protected override _export(schema: avro.Schema): void {
    Object.assign(schema, { precision: this.precision, scale: this.scale })
  }

  protected override _fromValue(value: unknown): string {
    const unscaled = integerOf(value as Buffer | undefined, this.maxBytes)
    if (unscaled === undefined || unscaled >= this.limit || unscaled <= -this.limit)
      throw new Error(`not a decimal of ${this.precision} digits`)
    const negative = unscaled < 0n
    const digits = (negative ? -unscaled : unscaled).toString().padStart(this.scale + 1, '0')
    const point = digits.length - this.scale
    return `${negative ? '-' : ''}${digits.slice(0, point)}${this.scale === 0 ? '' : `.${digits.slice(point)}`}`
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    const match = typeof value === 'string' && value.length <= MAX_PRECISION + 3 ? TEXT.exec(value) : null
    if (match === null) return undefined
    const [, sign, whole, decimals = ''] = match
    if (decimals.length > this.scale) return undefined
    const digits = BigInt(`${whole}${decimals.padEnd(this.scale, '0')}`)
    if (digits >= this.limit) return undefined
    const size = this.underlyingType instanceof avro.types.FixedType ? this.underlyingType.size : undefined
    return twosComplement(sign === '-' ? -digits : digits, size)
  }

  /** With another scale the same bytes are ten times as much. More digits than the writer may write are none too many. */
  protected override meansTheSame(writer: avro.types.LogicalType): boolean {
    return (
      writer instanceof Decimal &&
      writer.scale === this.scale &&
      writer.precision <= this.precision &&
      this.readsPlain(writer.underlyingType)
    )
  }

  /** A string that has become a decimal was no two's complement. */
  protected override readsPlain(writer: avro.Type): boolean {
    return writer.typeName === this.underlyingType.typeName
  }
}

const TEXT = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/

/** Whether `size` bytes hold every number of `precision` digits. */
export function fitsIn(size: number, precision: number): boolean {
  return twosComplement(-(10n ** BigInt(precision)) + 1n).length <= size
}

/** Big-endian, as short as it can be, or of `size` bytes. */
function twosComplement(value: bigint, size?: number): Buffer {
  // One bit more than the digits take, for the sign.
  const bits = (value < 0n ? -value - 1n : value).toString(2).length + 1
  const length = size ?? (value === 0n || value === -1n ? 1 : Math.ceil(bits / 8))
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}

/** undefined: no number, or one of more than `maxBytes`. */
function integerOf(bytes: Buffer | undefined, maxBytes: number): bigint | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined
  const sign = bytes[0]! & 0x80 ? 0xff : 0
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === sign && (bytes[start + 1]! & 0x80) === (sign & 0x80)) start += 1
  if (bytes.length - start > maxBytes) return undefined
  const hex = bytes.toString('hex', start)
  return BigInt.asIntN(hex.length * 4, BigInt(`0x${hex}`))
}
