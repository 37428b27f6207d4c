/** Avro JSON -> avsc type, with Spillway's choices: guarded containers, Dates, longs as declared. */
import avro from 'avsc'
import type { LongAs, MessageSchema } from '../message/schema.ts'
import { GuardedArray, GuardedEnum, GuardedMap, guardedInt, guardedString } from './guards.ts'
import { bigintLong, numberLong } from './long.ts'
import { refuseUnsafeShape } from './schema-shape.ts'
import { OTHER_TIMESTAMPS, OtherTimestamp, TimestampMillis } from './timestamp.ts'

/**
 * The type of one of our own schemas. Unions are never wrapped, which is unambiguous as only nullable ones are supported.
 * Throws Error when avsc cannot read the schema.
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
  refuseUnsafeShape(schema)
  return parse(schema, 'bigint', 'auto')
}

function parse(schema: unknown, long: LongAs, wrapUnions: 'auto' | 'never'): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, {
    wrapUnions,
    omitRecordMethods: true,
    logicalTypes: LOGICAL_TYPES,
    // A hook, as one shared registry of types would make the names of different schemas collide.
    typeHook: (part, options) => replacement(part, options, long === 'bigint' ? bigintLong : numberLong),
  })
}

const LOGICAL_TYPES = Object.fromEntries([
  ['timestamp-millis', TimestampMillis],
  ...OTHER_TIMESTAMPS.map(name => [name, OtherTimestamp]),
]) as Record<string, new (schema: avro.Schema, opts?: unknown) => avro.types.LogicalType>

function replacement(part: unknown, options: unknown, long: avro.Type): avro.Type | undefined {
  const schema = part as { type?: unknown; logicalType?: unknown }
  const name = typeof part === 'string' ? part : schema.type
  switch (name) {
    case 'array':
      return new GuardedArray(part as avro.Schema, options)
    case 'map':
      return new GuardedMap(part as avro.Schema, options)
    case 'enum':
      return new GuardedEnum(part as avro.Schema, options)
    case 'int':
      return guardedInt
    case 'string':
      return guardedString
    case 'long':
      // avsc makes the logical type itself, and calls this hook again for what lies under it: a number, as Dates need no more.
      return typeof schema === 'object' && Object.hasOwn(LOGICAL_TYPES, String(schema.logicalType)) ? undefined : long
    default:
      return undefined
  }
}
