/** Can a schema read what others wrote? Asked before a schema is registered, and of a record's writer when it is decoded. */
import type avro from 'avsc'
import { messageOf } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { writerType } from './avro-type.ts'
import { typeOf } from './codec.ts'
import { type Mismatch, type MismatchKind, mismatches, type Place, suspectedRenames } from './mismatch.ts'
import { type Direction, inShort, inWords } from './mismatch-words.ts'
import { schemaTree } from './schema-tree.ts'

export interface SchemaProblem {
  readonly kind: MismatchKind
  readonly direction: Direction
  /** Field path in the names of whoever reads, dotted; `[]` for an array's items, `{}` for a map's values, '' for the record itself. */
  readonly path: string
  readonly reason: string
  /** The same of a record at hand, which may be older or newer: `cannot read string as int`. */
  readonly refusal: string
  /** What to do about it. */
  readonly fix: string
  /** Where it is in the schema of this build. */
  readonly place: Place
}

/** Why this build's `schema` cannot read what was written with `json` (Avro JSON), field by field; [] when it can. */
export function resolutionProblems(schema: MessageSchema, json: string): SchemaProblem[] {
  return problems(schema, json, 'backward')
}

/** Why whoever was built with `json` cannot read what this build writes; [] when it can. */
export function problemsForOlder(schema: MessageSchema, json: string): SchemaProblem[] {
  return problems(schema, json, 'forward')
}

export interface Warning {
  readonly path: string
  readonly text: string
  readonly place: Place
}

/** What can be read and is probably not what was meant: a field that was renamed and has a default, which all older records then get. */
export function renameWarnings(schema: MessageSchema, json: string): Warning[] {
  const trees = attempt(() => [schemaTree(schema.avro), schemaTree(JSON.parse(json))] as const)
  if (!trees.ok) return []
  return suspectedRenames(...trees.value).map(({ path, lost, at: place }) => ({
    path,
    place,
    text: `is new and looks like a rename of \`${lost}\`, which is gone: older records get its default. If it is the same field, add "aliases": ["${lost}"]`,
  }))
}

export interface Compatibility {
  readonly compatible: boolean
  /** `version`: 1 is the oldest of those that were passed. */
  readonly problems: readonly (SchemaProblem & { readonly version: number })[]
}

/** BACKWARD_TRANSITIVE: can `schema` read what each registered version (Avro JSON, oldest first) wrote? */
export function checkCompatibility(schema: MessageSchema, registered: readonly string[]): Compatibility {
  const found = registered.flatMap((json, i) => resolutionProblems(schema, json).map(one => ({ ...one, version: i + 1 })))
  return { compatible: found.length === 0, problems: found }
}

function problems(schema: MessageSchema, json: string, direction: Direction): SchemaProblem[] {
  const isReader = direction === 'backward'
  const found = attempt(() => {
    const [own, other] = [schemaTree(schema.avro), schemaTree(JSON.parse(json))]
    return isReader ? mismatches(own, other) : mismatches(other, own)
  })
  if (found.ok && found.value.length > 0) return found.value.map(mismatch => told(mismatch, direction))
  // What the rules let through the codec may still refuse, and the codec is what decodes.
  const refusal = found.ok ? refusalOf(schema, json, isReader) : found.problem
  return refusal === undefined ? [] : [told(unreadable(schema.name, refusal), direction)]
}

function told(mismatch: Mismatch, direction: Direction): SchemaProblem {
  const { kind, path, readerAt, writerAt } = mismatch
  const place = direction === 'backward' ? readerAt : writerAt
  return { kind, direction, path, ...inWords(mismatch, direction), refusal: inShort(mismatch), place }
}

function refusalOf(schema: MessageSchema, json: string, isReader: boolean): string | undefined {
  const resolved = attempt(() => {
    const [reader, writer]: [avro.Type, avro.Type] = isReader
      ? [typeOf(schema), writerType(json)]
      : [writerType(json), writerType(JSON.stringify(schema.avro))]
    reader.createResolver(writer)
  })
  return resolved.ok ? undefined : resolved.problem
}

function unreadable(record: string, problem: string): Mismatch {
  const place = { record }
  return { kind: 'unreadable', path: '', reader: '', writer: '', readerAt: place, writerAt: place, details: [problem] }
}

type Attempted<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

/** What a registry holds is not ours: any of it may be no schema, or nested too deep for the stack. */
function attempt<T>(work: () => T): Attempted<T> {
  try {
    return { ok: true, value: work() }
  } catch (cause) {
    return { ok: false, problem: messageOf(cause) }
  }
}
