/** Avro JSON -> avsc type, with Spillway's choices: guarded containers, Dates, longs as declared. */
import avro from 'avsc'
import type { LongAs, MessageSchema } from '../message/schema.ts'
import { GuardedArray, GuardedEnum, GuardedMap, guardedBoolean, guardedBytes, guardedInt, guardedString } from './guards.ts'
import { bigintLong, numberLong } from './long.ts'
import { refuseItemsOfNoBytes, refuseUnsafeNames } from './schema-shape.ts'
import { OTHER_TIMESTAMPS, OtherTimestamp, TimestampMillis } from './timestamp.ts'

/**
 * The type of one of our own schemas. Unions are never wrapped, which is unambiguous as only nullable ones are supported.
 * Throws Error when avsc cannot read the schema, or when its values could not be read within bounds.
 */
export function readerType(schema: Pick<MessageSchema, 'avro' | 'long'>): avro.Type {
  return parse(schema.avro, schema.long, 'never')
}

/**
 * The type of a schema that somebody else registered: any Avro. Longs are bigint, as nothing else holds them all.
 * A union that is ambiguous without its branch names (['int', 'long']) is wrapped: `{ int: 1 }`. Throws Error on a schema that is not
 * valid, or whose values could take unbounded time to read.
 */
export function writerType(json: string): avro.Type {
  const schema: unknown = JSON.parse(json)
  refuseUnsafeNames(schema)
  return parse(schema, 'bigint', 'auto')
}

function parse(schema: unknown, long: LongAs, wrapUnions: 'auto' | 'never'): avro.Type {
  const underLogical = new Set<unknown>()
  const type = avro.Type.forSchema(schema as avro.Schema, {
    wrapUnions,
    omitRecordMethods: true,
    logicalTypes: LOGICAL_TYPES,
    // A hook, as one shared registry of types would make the names of different schemas collide.
    typeHook: (part, options) => replacement(part, options, long === 'bigint' ? bigintLong : numberLong, underLogical),
  })
  refuseItemsOfNoBytes(type)
  return type
}

const LOGICAL_TYPES = Object.fromEntries([
  ['timestamp-millis', TimestampMillis],
  ...OTHER_TIMESTAMPS.map(name => [name, OtherTimestamp]),
]) as Record<string, new (schema: avro.Schema, opts?: unknown) => avro.types.LogicalType>

function replacement(part: unknown, options: unknown, long: avro.Type, underLogical: Set<unknown>): avro.Type | undefined {
  switch (typeof part === 'string' ? part : (part as { type?: unknown }).type) {
    case 'array':
      return new GuardedArray(part as avro.Schema, options)
    case 'map':
      return new GuardedMap(part as avro.Schema, options)
    case 'enum':
      return new GuardedEnum(part as avro.Schema, options)
    case 'boolean':
      return guardedBoolean
    case 'bytes':
      return guardedBytes
    case 'int':
      return guardedInt
    case 'string':
      return guardedString
    case 'long':
      return longType(part, long, underLogical)
    default:
      return undefined
  }
}

/** A logical type comes by twice: for avsc to make it, then for what lies under it. */
function longType(part: unknown, long: avro.Type, underLogical: Set<unknown>): avro.Type | undefined {
  const logical = (part as { logicalType?: unknown }).logicalType
  if (typeof logical !== 'string' || !Object.hasOwn(LOGICAL_TYPES, logical)) return long
  if (!underLogical.delete(part)) {
    underLogical.add(part)
    return undefined
  }
  // Not avsc's own long: it writes dates before the year -140,743 as others.
  return logical === 'timestamp-millis' ? numberLong : long
}
