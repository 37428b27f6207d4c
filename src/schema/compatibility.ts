/** Can a schema read what others wrote? Asked before a schema is registered, and of a record's writer when it is decoded. */
import avro from 'avsc'
import type { MessageSchema } from '../message/schema.ts'
import { writerType } from './avro-type.ts'
import { typeOf } from './codec.ts'
import { at, typeInWords } from './words.ts'

export interface CompatibilityProblem {
  /** 1 is the oldest of the versions that were passed. */
  readonly version: number
  /** Field path, dotted; `[]` for an array's items, `{}` for a map's values, '' for the record itself. */
  readonly path: string
  readonly reason: string
}

export interface Compatibility {
  readonly compatible: boolean
  readonly problems: readonly CompatibilityProblem[]
}

/** BACKWARD_TRANSITIVE: can `schema` read what each registered version (Avro JSON, oldest first) wrote? */
export function checkCompatibility(schema: MessageSchema, registered: readonly string[]): Compatibility {
  const reader = typeOf(schema)
  const problems = registered.flatMap((json, index) => {
    const found = problemsOf(reader, json)
    return found.map(problem => ({ version: index + 1, ...problem }))
  })
  return { compatible: problems.length === 0, problems }
}

export interface ResolutionProblem {
  readonly path: string
  readonly reason: string
}

/** Why `reader` cannot read what `writer` wrote, field by field; [] when it can. */
export function resolutionProblems(reader: avro.Type, writer: avro.Type): ResolutionProblem[] {
  return explain(reader, writer, '', new Set())
}

function problemsOf(reader: avro.Type, json: string): ResolutionProblem[] {
  try {
    return resolutionProblems(reader, writerType(json))
  } catch (cause) {
    return [
      { path: '', reason: `the registered schema cannot be read: ${cause instanceof Error ? cause.message : String(cause)}` },
    ]
  }
}

function explain(reader: avro.Type, writer: avro.Type, path: string, seen: Set<string>): ResolutionProblem[] {
  const refusal = resolutionError(reader, writer)
  if (refusal === undefined) return []
  // avsc says that it cannot, not where: go down as long as both sides have the same form.
  const inner = descend(reader, writer, path, seen)
  return inner.length > 0 ? inner : [{ path, reason: refusal }]
}

function resolutionError(reader: avro.Type, writer: avro.Type): string | undefined {
  try {
    reader.createResolver(writer)
    return undefined
  } catch {
    return `cannot read ${typeInWords(writer)} as ${typeInWords(reader)}`
  }
}

function descend(reader: avro.Type, writer: avro.Type, path: string, seen: Set<string>): ResolutionProblem[] {
  const { ArrayType, MapType, RecordType, EnumType } = avro.types
  if (isUnion(writer)) return writer.types.flatMap(branch => explain(reader, branch, path, seen))
  if (isUnion(reader)) return descendUnion(reader, writer, path, seen)
  if (reader instanceof RecordType && writer instanceof RecordType) return descendRecord(reader, writer, path, seen)
  if (reader instanceof ArrayType && writer instanceof ArrayType)
    return explain(reader.itemsType, writer.itemsType, at(path, '[]'), seen)
  if (reader instanceof MapType && writer instanceof MapType)
    return explain(reader.valuesType, writer.valuesType, at(path, '{}'), seen)
  if (reader instanceof EnumType && writer instanceof EnumType && sameName(reader, writer)) {
    const lost = writer.symbols.filter(symbol => !reader.symbols.includes(symbol))
    return [{ path, reason: `${lost.join(', ')} of enum ${writer.name} is gone, and the enum has no default` }]
  }
  return []
}

/** Only the branch that was meant says something useful: the one of the writer's kind. */
function descendUnion(reader: Union, writer: avro.Type, path: string, seen: Set<string>): ResolutionProblem[] {
  const meant = reader.types.find(type => type.typeName === writer.typeName && type.typeName !== 'null')
  return meant === undefined ? [] : descend(meant, writer, path, seen)
}

function descendRecord(
  reader: avro.types.RecordType,
  writer: avro.types.RecordType,
  path: string,
  seen: Set<string>,
): ResolutionProblem[] {
  if (!sameName(reader, writer))
    return [{ path, reason: `the record is ${reader.name} now and was ${writer.name}, with no alias` }]
  const pair = `${reader.name}:${writer.name}`
  if (seen.has(pair)) return []
  const inside = new Set(seen).add(pair)
  return reader.fields.flatMap(field => {
    const written = writer.fields.find(candidate => candidate.name === field.name || field.aliases.includes(candidate.name))
    const where = at(path, field.name)
    if (written !== undefined) return explain(field.type, written.type, where, inside)
    return field.defaultValue() === undefined ? [{ path: where, reason: 'is not in the older schema and has no default' }] : []
  })
}

type Union = avro.types.UnwrappedUnionType | avro.types.WrappedUnionType

function isUnion(type: avro.Type): type is Union {
  return type.typeName === 'union:unwrapped' || type.typeName === 'union:wrapped'
}

function sameName(reader: avro.Type, writer: avro.Type): boolean {
  return writer.name === undefined || reader.name === writer.name || (reader.aliases ?? []).includes(writer.name)
}
