/** Avro JSON -> avsc type, with Spillway's choices: guarded containers, wrapped unions, logical types, longs as declared. */
import avro from 'avsc'
import type { LongAs, MessageSchema } from '../message/schema.ts'
import type { Json } from './avro-json.ts'
import {
  GuardedArray,
  GuardedEnum,
  GuardedMap,
  guardedBoolean,
  guardedBytes,
  guardedDouble,
  guardedFloat,
  guardedInt,
  guardedString,
} from './guards.ts'
import { type LogicalKind, logicalKind } from './logical-types.ts'
import { bigintLong, numberLong } from './long.ts'
import { GuardedRecord } from './record.ts'
import { refuseItemsOfNoBytes, refuseUnsafeNames } from './schema-shape.ts'
import { unionType } from './union.ts'

/** The type of one of our own schemas. Throws Error when it is not valid Avro, or when its values could not be read within bounds. */
export function readerType(schema: Pick<MessageSchema, 'avro' | 'long'>): avro.Type {
  return parse(schema.avro, schema.long)
}

/**
 * The type of a schema that somebody else registered. Longs are bigint, as nothing else holds them all. Throws Error on a schema that is
 * not valid, or whose values could take unbounded time to read.
 */
export function writerType(json: string): avro.Type {
  const schema: unknown = JSON.parse(json)
  refuseUnsafeNames(schema)
  try {
    return parse(schema, 'bigint')
  } catch {
    // Registries take defaults that are no value of their field, as many languages never look at them. Nor does reading what was written.
    return parse(withoutDefaults(schema), 'bigint')
  }
}

function parse(schema: unknown, long: LongAs): avro.Type {
  const builder = new Builder(long)
  const type = avro.Type.forSchema(schema as avro.Schema, {
    omitRecordMethods: true,
    // A hook, as one shared registry of types would make the names of different schemas collide.
    typeHook: (part, options) => builder.replacement(part, options),
  })
  refuseItemsOfNoBytes(type)
  return type
}

class Builder {
  private readonly long: LongAs
  /** A logical type is being made: avsc asks for the same part again, and means what lies under it. */
  private making: LogicalKind | undefined

  constructor(long: LongAs) {
    this.long = long
  }

  /** Our type for a part of a schema; undefined leaves it to avsc. */
  replacement(part: unknown, options: unknown): avro.Type | undefined {
    if (Array.isArray(part)) return unionType(part, options)
    if (typeof part === 'string') return this.primitive(part, this.long)
    if (typeof part !== 'object' || part === null) return undefined
    const under = this.making
    this.making = undefined
    const logical = under === undefined ? logicalKind(part as Json) : undefined
    if (logical === undefined) return this.defined(part as Json, options, under?.long ?? this.long)
    this.making = logical
    return new logical.type(part as avro.Schema, options)
  }

  private defined(part: Json, options: unknown, long: LongAs): avro.Type | undefined {
    const schema = part as unknown as avro.Schema
    switch (part.type) {
      case 'array':
        return new GuardedArray(schema, options)
      case 'map':
        return new GuardedMap(schema, options)
      case 'enum':
        return new GuardedEnum(schema, options)
      case 'record':
      case 'error':
        return new GuardedRecord(schema, options)
      case 'fixed':
        return undefined
    }
    if (typeof part.type === 'string') return this.primitive(part.type, long) ?? this.reference(part.type, options)
    // {"type": {"type": "string"}}, which some libraries write.
    return typeof part.type === 'object' && part.type !== null
      ? avro.Type.forSchema(part.type as avro.Schema, options as object)
      : undefined
  }

  private primitive(name: string, long: LongAs): avro.Type | undefined {
    switch (name) {
      case 'boolean':
        return guardedBoolean
      case 'bytes':
        return guardedBytes
      case 'int':
        return guardedInt
      case 'long':
        return long === 'bigint' ? bigintLong : numberLong
      case 'float':
        return guardedFloat
      case 'double':
        return guardedDouble
      case 'string':
        return guardedString
      default:
        return undefined
    }
  }

  /** {"type": "acme.Card"}: avsc takes the name of a defined type as bare string only. */
  private reference(name: string, options: unknown): avro.Type | undefined {
    return LEFT_TO_AVSC.has(name) ? undefined : avro.Type.forSchema(name, options as object)
  }
}

const LEFT_TO_AVSC: ReadonlySet<string> = new Set(['null', 'boolean', 'bytes'])

function withoutDefaults(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { default: _default, ...others } = value as Record<string, unknown>
    return others
  })
}
