/** duration: fixed of 12 bytes, three unsigned 32-bit numbers, little-endian. */
import { Logical } from './logical.ts'

export class Duration extends Logical {
  protected override _fromValue(value: unknown): object {
    if (value === undefined) throw new Error('the bytes end too early')
    const bytes = value as Buffer
    return { months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), milliseconds: bytes.readUInt32LE(8) }
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    if (typeof value !== 'object' || value === null) return undefined
    const { months, days, milliseconds } = value as Record<string, unknown>
    const parts = [months, days, milliseconds]
    if (!parts.every(isUint32)) return undefined
    const bytes = Buffer.alloc(12)
    parts.forEach((part, i) => {
      bytes.writeUInt32LE(part, i * 4)
    })
    return bytes
  }
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && value === value >>> 0
}
