/** uuid, on string or on fixed of 16 bytes, as text; of bytes in lower case. Anything else is refused in both directions. */
import { Logical } from './logical.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export class UuidText extends Logical {
  protected override _fromValue(value: unknown): unknown {
    if (typeof value !== 'string' || !UUID.test(value)) throw new Error('not a uuid')
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return typeof value === 'string' && UUID.test(value) ? value : undefined
  }
}

export class UuidBytes extends Logical {
  protected override _fromValue(value: unknown): string {
    // Past the end of the bytes there is nothing.
    const hex = (value as Buffer | undefined)?.toString('hex') ?? ''
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'string' && UUID.test(value) ? Buffer.from(value.replaceAll('-', ''), 'hex') : undefined
  }
}
