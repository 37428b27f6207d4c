/** The logical types there are: where each may stand, and as what it is read. */
import type avro from 'avsc'
import type { LongAs } from '../message/schema.ts'
import type { Json } from './avro-json.ts'
import { CalendarDate, LocalTimestampMicros, LocalTimestampMillis, TimeMicros, TimeMillis } from './calendar.ts'
import { Decimal, fitsIn, MAX_PRECISION } from './decimal.ts'
import { Duration } from './duration.ts'
import { LongOfUnit } from './logical.ts'
import { TimestampMillis } from './timestamp.ts'
import { UuidBytes, UuidText } from './uuid.ts'

type LogicalClass = new (schema: avro.Schema, options?: unknown) => avro.types.LogicalType

export interface LogicalKind {
  readonly type: LogicalClass
  /** How the long underneath is read; absent: as the schema wants its longs. */
  readonly long?: LongAs
}

/** What a schema part with `logicalType` is, or undefined: its values are those of the underlying type, as the specification has it. */
export function logicalKind(part: Json): LogicalKind | undefined {
  return isKnown(part.logicalType) && misplaced(part) === undefined ? kindOf(part.logicalType, part.type) : undefined
}

export type LogicalName = keyof typeof ALLOWED

export function isKnown(name: unknown): name is LogicalName {
  return typeof name === 'string' && Object.hasOwn(ALLOWED, name)
}

/** In words why the logical type, a known one, cannot stand there; undefined when it can. */
export function misplaced(part: Json): string | undefined {
  const name = part.logicalType as LogicalName
  const allowed: readonly string[] = ALLOWED[name]
  if (!allowed.includes(part.type as string))
    return `logical type ${name} belongs on ${allowed.join(' or ')}, not on ${String(part.type)}`
  if (name === 'decimal') return decimalProblem(part)
  const size = part.type === 'fixed' ? SIZES[name] : undefined
  return size === undefined || part.size === size ? undefined : `logical type ${name} needs a fixed of ${size} bytes`
}

const ALLOWED = {
  decimal: ['bytes', 'fixed'],
  uuid: ['string', 'fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  duration: ['fixed'],
} as const

const SIZES: Partial<Record<LogicalName, number>> = { uuid: 16, duration: 12 }

function decimalProblem({ precision, scale = 0, type, size }: Json): string | undefined {
  if (!Number.isInteger(precision) || (precision as number) < 1) return 'logical type decimal needs a "precision" of 1 or more'
  if ((precision as number) > MAX_PRECISION) return `a decimal of more than ${MAX_PRECISION} digits is not supported`
  if (!Number.isInteger(scale) || (scale as number) < 0) return 'the "scale" of a decimal is a number of 0 or more'
  if ((scale as number) > (precision as number)) return `its scale ${scale} is more than its precision ${precision}`
  if (type === 'fixed' && !fitsIn(size as number, precision as number)) return `${size} bytes do not hold ${precision} digits`
  return undefined
}

function kindOf(name: LogicalName, on: unknown): LogicalKind {
  switch (name) {
    case 'decimal':
      return { type: Decimal }
    case 'uuid':
      return { type: on === 'fixed' ? UuidBytes : UuidText }
    case 'date':
      return { type: CalendarDate }
    case 'time-millis':
      return { type: TimeMillis }
    case 'time-micros':
      return { type: TimeMicros, long: 'number' }
    case 'timestamp-millis':
      // Not avsc's own long: it writes dates before the year -140,743 as others.
      return { type: TimestampMillis, long: 'number' }
    case 'local-timestamp-millis':
      return { type: LocalTimestampMillis, long: 'number' }
    case 'local-timestamp-micros':
      return { type: LocalTimestampMicros, long: 'bigint' }
    case 'duration':
      return { type: Duration }
    default:
      return { type: LongOfUnit }
  }
}
