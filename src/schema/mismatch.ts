/** Where a reader's schema does not fit a writer's, by Avro's rules of resolution, and where it fits but means something else. */

import { isPromotion } from './primitives.ts'
import {
  type EnumTree,
  type FixedTree,
  isNull,
  logicalInWords,
  type PrimitiveTree,
  type RecordTree,
  type Tree,
  type TreeField,
  treeInWords,
} from './schema-tree.ts'
import { similarity } from './similar-name.ts'
import { at } from './words.ts'

/**
 * - `field-missing`: the reader needs a field that the writer does not have
 * - `type-narrowed`: the reader's number holds less than the writer's
 * - `type-changed`: one cannot be read as the other
 * - `null-removed`, `branch-removed`: the writer's union has a branch that the reader's has not
 * - `symbols-removed`: of an enum without a default
 * - `name-changed`: of a record, enum or fixed, without an alias
 * - `size-changed`: of a fixed
 * - `logical-changed`: the same bytes mean something else
 * - `alias-ambiguous`: the name and aliases of a field fit several fields of the writer
 * - `unreadable`: a schema is none, or the codec refuses the two for another reason
 */
export type MismatchKind =
  | 'field-missing'
  | 'type-narrowed'
  | 'type-changed'
  | 'null-removed'
  | 'branch-removed'
  | 'symbols-removed'
  | 'name-changed'
  | 'size-changed'
  | 'logical-changed'
  | 'alias-ambiguous'
  | 'unreadable'

export interface Mismatch {
  readonly kind: MismatchKind
  /** Field path in the reader's names, dotted; `[]` for an array's items, `{}` for a map's values, '' for the record itself. */
  readonly path: string
  /** What each side has there, in words. */
  readonly reader: string
  readonly writer: string
  /** Full names of the records around it, and the field in each; undefined where there is none. */
  readonly readerAt: Place
  readonly writerAt: Place
  /** Symbols that are gone; the field that looks like the one that is missing; fields that an alias could mean; what the codec said. */
  readonly details: readonly string[]
  /** Of `field-missing`: its type. */
  readonly missing?: Tree
}

export interface Place {
  readonly record?: string | undefined
  readonly field?: string | undefined
}

/** In the order of the reader's fields; [] when it fits. */
export function mismatches(reader: Tree, writer: Tree): Mismatch[] {
  return new Comparison().compare(reader, writer, { path: '', reader: {}, writer: {} })
}

/** A field of the writer that is lost, and one with a default that is new in the reader and may be the same under another name. */
export interface Suspicion {
  readonly path: string
  readonly lost: string
  readonly at: Place
}

/** Fields that were probably renamed, and whose default hides that their values are lost. */
export function suspectedRenames(reader: Tree, writer: Tree, path = '', seen = new Set<string>()): Suspicion[] {
  if (reader.kind !== 'record' || writer.kind !== 'record') return []
  const pair = `${reader.name}:${writer.name}`
  if (seen.has(pair)) return []
  seen.add(pair)
  return reader.fields.flatMap(field => {
    const where = at(path, field.name)
    const [written] = writer.fields.filter(one => means(field, one))
    if (written !== undefined) return suspectedRenames(field.type, written.type, where, seen)
    const lost = renamedFrom(field, reader, writer)
    return lost === undefined ? [] : [{ path: where, lost, at: { record: reader.name, field: field.name } }]
  })
}

interface Where {
  readonly path: string
  readonly reader: Place
  readonly writer: Place
}

class Comparison {
  /** Per pair of records what was found first, its path from there; undefined while it is being looked at, or when it fits. */
  readonly #seen = new Map<string, Mismatch | undefined>()

  compare(reader: Tree, writer: Tree, where: Where): Mismatch[] {
    if (writer.kind === 'union') return writer.branches.flatMap(branch => this.#branch(reader, branch, where, true))
    return this.#branch(reader, writer, where, false)
  }

  #branch(reader: Tree, writer: Tree, where: Where, ofUnion: boolean): Mismatch[] {
    if (reader.kind === 'union') return this.#intoUnion(reader.branches, reader, writer, where, ofUnion)
    const found = this.#single(reader, writer, where)
    if (ofUnion && isNull(writer) && found.length > 0) return [mismatch('null-removed', where, reader, writer)]
    return found
  }

  #intoUnion(branches: readonly Tree[], reader: Tree, writer: Tree, where: Where, ofUnion: boolean): Mismatch[] {
    const each = branches.map(branch => ({ branch, found: this.#single(branch, writer, where) }))
    if (each.some(({ found }) => found.length === 0)) return []
    if (isNull(writer)) return [mismatch('null-removed', where, reader, writer)]
    const meant =
      each.find(({ branch }) => isSame(branch, writer)) ?? onlyOne(each.filter(({ branch }) => isAkin(branch, writer)))
    if (meant !== undefined) return meant.found
    return [mismatch(ofUnion ? 'branch-removed' : 'type-changed', where, reader, writer)]
  }

  #single(reader: Tree, writer: Tree, where: Where): Mismatch[] {
    if (reader.kind === 'primitive' && writer.kind === 'primitive') return primitives(reader, writer, where)
    if (reader.kind === 'array' && writer.kind === 'array') return this.compare(reader.items, writer.items, inside(where, '[]'))
    if (reader.kind === 'map' && writer.kind === 'map') return this.compare(reader.values, writer.values, inside(where, '{}'))
    if (reader.kind === 'record' && writer.kind === 'record') return this.#records(reader, writer, where)
    if (reader.kind === 'enum' && writer.kind === 'enum') return enums(reader, writer, where)
    if (reader.kind === 'fixed' && writer.kind === 'fixed') return fixeds(reader, writer, where)
    return [mismatch('type-changed', where, reader, writer)]
  }

  #records(reader: RecordTree, writer: RecordTree, where: Where): Mismatch[] {
    if (!isNamed(reader, writer)) return [mismatch('name-changed', where, reader, writer)]
    const pair = `${reader.name}:${writer.name}`
    if (this.#seen.has(pair)) {
      // Told once in full. Again and again it could be more than memory holds, with records that hold each other several times.
      const first = this.#seen.get(pair)
      return first === undefined ? [] : [{ ...first, path: join(where.path, first.path) }]
    }
    this.#seen.set(pair, undefined)
    const found = reader.fields.flatMap(field => this.#field(field, reader, writer, where))
    const [first] = found
    const above = where.path === '' ? 0 : where.path.length + 1
    if (first !== undefined) this.#seen.set(pair, { ...first, path: first.path.slice(above) })
    return found
  }

  #field(field: TreeField, reader: RecordTree, writer: RecordTree, { path }: Where): Mismatch[] {
    const written = writer.fields.filter(one => means(field, one))
    const where = (other?: string): Where => ({
      path: at(path, field.name),
      reader: { record: reader.name, field: field.name },
      writer: { record: writer.name, field: other },
    })
    if (written.length > 1)
      return [mismatch('alias-ambiguous', where(), field.type, writer, { details: written.map(({ name }) => name) })]
    if (written.length === 1) return this.compare(field.type, written[0]!.type, where(written[0]!.name))
    if (field.hasDefault) return []
    const old = renamedFrom(field, reader, writer)
    const more = { details: old === undefined ? [] : [old], missing: field.type }
    return [mismatch('field-missing', where(old), field.type, writer, more)]
  }
}

function mismatch(
  kind: MismatchKind,
  { path, reader: readerAt, writer: writerAt }: Where,
  reader: Tree,
  writer: Tree,
  { details = [], missing }: { details?: readonly string[]; missing?: Tree } = {},
): Mismatch {
  const words = { reader: treeInWords(reader), writer: treeInWords(writer) }
  return { kind, path, ...words, readerAt, writerAt, details, ...(missing !== undefined && { missing }) }
}

function inside(where: Where, step: string): Where {
  return { ...where, path: at(where.path, step) }
}

function join(path: string, rest: string): string {
  return rest === '' ? path : at(path, rest)
}

function primitives(reader: PrimitiveTree, writer: PrimitiveTree, where: Where): Mismatch[] {
  if (reader.name !== writer.name && !isPromotion(writer.name, reader.name)) {
    const isNarrower = isPromotion(reader.name, writer.name)
    return [mismatch(isNarrower ? 'type-narrowed' : 'type-changed', where, reader, writer)]
  }
  // Text becomes bytes and back, but no decimal.
  const isText = reader.name !== writer.name && (writer.name === 'string' || writer.name === 'bytes')
  if (isText && (reader.logical ?? writer.logical)) return [mismatch('type-changed', where, reader, writer)]
  return logicals(reader, writer, where)
}

/** One that was added or taken away says how the same number is meant; one that is another, that it was meant otherwise. */
function logicals(reader: PrimitiveTree | FixedTree, writer: PrimitiveTree | FixedTree, where: Where): Mismatch[] {
  const [a, b] = [reader.logical, writer.logical]
  if (a === undefined || b === undefined) return []
  if (a.name === b.name && a.scale === b.scale && a.precision >= b.precision) return []
  return [{ ...mismatch('logical-changed', where, reader, writer), reader: logicalInWords(a), writer: logicalInWords(b) }]
}

function enums(reader: EnumTree, writer: EnumTree, where: Where): Mismatch[] {
  if (!isNamed(reader, writer)) return [mismatch('name-changed', where, reader, writer)]
  const lost = writer.symbols.filter(symbol => !reader.symbols.includes(symbol))
  if (lost.length === 0 || reader.default !== undefined) return []
  return [mismatch('symbols-removed', where, reader, writer, { details: lost })]
}

function fixeds(reader: FixedTree, writer: FixedTree, where: Where): Mismatch[] {
  if (!isNamed(reader, writer)) return [mismatch('name-changed', where, reader, writer)]
  if (reader.size !== writer.size) return [mismatch('size-changed', where, reader, writer)]
  return logicals(reader, writer, where)
}

type Named = RecordTree | EnumTree | FixedTree

function isNamed(reader: Named, writer: Named): boolean {
  return reader.name === writer.name || reader.aliases.includes(writer.name)
}

function means(reader: TreeField, writer: TreeField): boolean {
  return reader.name === writer.name || reader.aliases.includes(writer.name)
}

function isSame(reader: Tree, writer: Tree): boolean {
  if (reader.kind === 'primitive' && writer.kind === 'primitive') return reader.name === writer.name
  if ('name' in reader && 'name' in writer && reader.kind !== 'primitive' && writer.kind !== 'primitive')
    return reader.kind === writer.kind && isNamed(reader, writer)
  return reader.kind === writer.kind
}

/** Of a union with one record the record is meant, whatever it is called; and one number is another one, narrowed. */
function isAkin(reader: Tree, writer: Tree): boolean {
  if (reader.kind !== writer.kind) return false
  return reader.kind !== 'primitive' || isPromotion(reader.name, (writer as PrimitiveTree).name)
}

function onlyOne<T>(all: readonly T[]): T | undefined {
  return all.length === 1 ? all[0] : undefined
}

/** The field of the writer that nobody reads any more and that looks like `field`: of its type, and with a similar name or in its place. */
function renamedFrom(field: TreeField, reader: RecordTree, writer: RecordTree): string | undefined {
  const words = treeInWords(field.type)
  const lost = writer.fields.filter(one => !reader.fields.some(other => means(other, one)))
  const alike = lost.filter(({ type }) => treeInWords(type) === words)
  const similar = alike
    .map(({ name }) => ({ name, score: similarity(name, field.name) }))
    .filter(({ score }) => score >= 0.5)
    .toSorted((a, b) => b.score - a.score)[0]
  if (similar !== undefined) return similar.name
  const added = reader.fields.filter(one => !writer.fields.some(other => means(one, other)))
  const isInItsPlace = lost.length === 1 && added.length === 1 && writer.fields.indexOf(lost[0]!) === reader.fields.indexOf(field)
  return isInItsPlace ? alike[0]?.name : undefined
}
