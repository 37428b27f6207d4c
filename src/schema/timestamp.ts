/** timestamp-millis as Date, and the other timestamps as what they are: not timestamp-millis. */
import avro from 'avsc'

/** Milliseconds that a Date can hold, in both directions from 1970. */
const LIMIT = 8_640_000_000_000_000

export class TimestampMillis extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): Date {
    // bigint when the writer's plain long is read as a timestamp.
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

  protected override _resolve(writer: avro.Type): unknown {
    switch (writer.typeName) {
      case 'logical:timestamp-millis':
        // `writer._read` has made a Date already.
        return (value: unknown) => value
      case 'int':
      case 'long':
      case 'abstract:long':
        return (value: unknown) => this._fromValue(value)
      default:
        return undefined
    }
  }
}

/**
 * Known to the codec so that a change from, say, timestamp-micros to timestamp-millis is refused instead of being read a
 * thousand times off (the bytes and the canonical schema are the same). Read as their plain long.
 */
export class OtherTimestamp extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return value
  }

  protected override _resolve(writer: avro.Type): unknown {
    return writer.typeName === this.typeName ? (value: unknown) => value : undefined
  }
}

export const OTHER_TIMESTAMPS = [
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
  'time-micros',
] as const
