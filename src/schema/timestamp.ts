/** timestamp-millis as Date. */
import { Logical } from './logical.ts'

/** Milliseconds that a Date can hold, in both directions from 1970. */
const LIMIT = 8_640_000_000_000_000

export class TimestampMillis extends Logical {
  protected override _fromValue(value: unknown): Date {
    const millis = Number(value)
    if (!(Math.abs(millis) <= LIMIT)) throw new Error(`timestamp-millis ${value} is beyond what a Date can hold`)
    return new Date(millis)
  }

  protected override _toValue(value: unknown): unknown {
    // `undefined` is avsc's sign for "does not fit".
    if (!(value instanceof Date)) return undefined
    const millis = value.getTime()
    return Number.isNaN(millis) ? undefined : millis
  }
}
