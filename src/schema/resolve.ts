/** How a reader's type reads what a writer's type wrote: the resolution of the Avro specification where avsc's own differs. */
import type avro from 'avsc'
import type { Reads, Tap } from './tap.ts'
import { typeInWords } from './words.ts'

export type Resolver = ReturnType<avro.Type['createResolver']>

/** Passed along by avsc from type to type. `registry` is its own, and holds the resolvers of records that are being made. */
export interface Resolving {
  registry?: Record<string, unknown>
  /** A branch of the writer's union that cannot be read fails when it comes, and not the pair. */
  perBranch?: boolean
  /** The fields that lead to where it is. */
  path?: string[]
}

/**
 * What reads the values of `writer` as `reader`, or undefined when the reader reads these bytes itself, which is faster.
 * A union of which only some branches can be read is read as far as it goes: the others throw when they come.
 * Throws Error when no value, or none of some field, can be read.
 */
export function resolverOf(reader: avro.Type, writer: avro.Type): Resolver | undefined {
  let resolver: Resolver
  try {
    resolver = reader.createResolver(writer)
  } catch {
    return (reader as unknown as Resolves).createResolver(writer, { perBranch: true, path: [] }) as Resolver
  }
  // Of one canonical schema only now: it does not tell a timestamp in milliseconds from one in microseconds.
  return reader.equals(writer) ? undefined : resolver
}

/**
 * For types inside of others: what `createResolver` makes, unless the writer's branches are to be told apart. What is alike in both the
 * reader reads by itself: of two versions most is, and each layer of resolvers takes its time.
 */
export function resolve(reader: avro.Type, writer: avro.Type, opts: Resolving): Reads {
  if (textOf(reader) === textOf(writer)) return reader as unknown as Reads
  if (opts.perBranch && isUnion(writer)) return byBranch(reader, writer, opts)
  return (reader as unknown as Resolves).createResolver(writer, opts)
}

/** `resolve` for a field, so that what fails later can say where. */
export function resolveField(reader: avro.Type, writer: avro.Type, name: string, opts: Resolving): Reads {
  opts.path?.push(name)
  try {
    return resolve(reader, writer, opts)
  } finally {
    opts.path?.pop()
  }
}

const texts = new WeakMap<avro.Type, string>()

/** All of its schema, logical types with what belongs to them, which the canonical form leaves out. */
function textOf(type: avro.Type): string {
  const text = texts.get(type) ?? JSON.stringify(type.schema({ exportAttrs: true }))
  texts.set(type, text)
  return text
}

function byBranch(reader: avro.Type, writer: Union, opts: Resolving): Reads {
  const branches = writer.types.map(branch => tryBranch(reader, branch, opts))
  const refused = branches.find(branch => branch.refused)
  if (refused !== undefined && branches.every(branch => branch.refused)) throw refused.cause
  return {
    _read(tap: Tap): unknown {
      const branch = branches[tap.readLong()]
      if (branch === undefined) throw new Error('no such branch of the union')
      return branch._read(tap)
    },
  }
}

interface Branch extends Reads {
  readonly refused: boolean
  readonly cause?: unknown
}

function tryBranch(reader: avro.Type, writer: avro.Type, opts: Resolving): Branch {
  const before = new Set(Object.keys(opts.registry ?? {}))
  try {
    const resolver = resolve(reader, writer, opts)
    return { refused: false, _read: tap => resolver._read(tap) }
  } catch (cause) {
    // avsc keeps the resolver of a record also when it could not be made, and would hand it out for the next such pair.
    for (const key of Object.keys(opts.registry ?? {})) if (!before.has(key)) delete opts.registry![key]
    const where = opts.path === undefined || opts.path.length === 0 ? '' : `${opts.path.join('.')}: `
    const message = `${where}cannot read ${typeInWords(writer)} as ${typeInWords(reader)}`
    const fail = () => {
      throw new Error(message, { cause })
    }
    return { refused: true, cause, _read: fail }
  }
}

interface Resolves {
  createResolver(writer: avro.Type, opts: Resolving): Reads
}

export type Union = avro.types.UnwrappedUnionType | avro.types.WrappedUnionType

export function isUnion(type: avro.Type): type is Union {
  return type.typeName.startsWith('union:')
}

export function isLogical(type: avro.Type): type is avro.types.LogicalType {
  return type.typeName.startsWith('logical:')
}

/** Without its logical type, if it has one. */
export function underlying(type: avro.Type): avro.Type {
  return isLogical(type) ? type.underlyingType : type
}

/** Whether the names allow `reader` to read what `writer` wrote: the same full name, or one that the reader has as alias. */
export function isNamedAs(reader: avro.Type, writer: avro.Type): boolean {
  return writer.name === undefined || reader.name === writer.name || (reader.aliases ?? []).includes(writer.name)
}
