/** Parsed .avsc files -> a model that the emitter can print: every name resolved, everything unsupported refused by file and field. */
import { isObject, type Json, sortedText } from './avro-json.ts'
import { checkModel } from './avsc-check.ts'
import type { AvscFile } from './avsc-files.ts'
import { definedName, fullName, namespaceOf, refuse, simpleName } from './avsc-names.ts'
import { branchName, type FieldModel, type Model, type NamedModel, type Shape } from './avsc-shape.ts'
import { isKnown, misplaced } from './logical-types.ts'
import { isPrimitive, type Primitive } from './primitives.ts'
import { at } from './words.ts'

const COMPLEX: ReadonlySet<unknown> = new Set(['record', 'enum', 'fixed', 'array', 'map', 'error', 'union'])
const NAMED: ReadonlySet<unknown> = new Set(['record', 'enum', 'fixed'])
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Throws SchemaUnsupported. */
export function buildModel(files: readonly AvscFile[]): Model {
  const builder = new Builder(files)
  return builder.build()
}

class Builder {
  private readonly files: readonly AvscFile[]
  private readonly definitions = new Map<string, Definition>()
  private readonly named = new Map<string, NamedModel>()

  constructor(files: readonly AvscFile[]) {
    this.files = files
  }

  build(): Model {
    // First all definitions, so that a file may refer to types of a later one.
    const tops = this.files.map(file => this.top(file))
    for (const top of tops) this.resolve(top.name)
    checkModel(this.named)
    return { named: this.named, messages: tops.filter(top => top.json.type === 'record').map(top => top.name) }
  }

  private top(file: AvscFile): Definition {
    const json = file.json
    if (!isObject(json) || !NAMED.has(json.type)) throw refuse(file.path, '', 'the file must hold one record, enum or fixed')
    return this.collect(json, undefined, file.path, '')!
  }

  /** Remembers every named type inside `json`; answers the one that `json` itself defines. */
  private collect(json: unknown, namespace: string | undefined, file: string, path: string): Definition | undefined {
    if (Array.isArray(json)) for (const branch of json) this.collect(branch, namespace, file, path)
    if (!isObject(json)) return undefined
    if (json.type === 'array') this.collect(json.items, namespace, file, at(path, '[]'))
    else if (json.type === 'map') this.collect(json.values, namespace, file, at(path, '{}'))
    else if (NAMED.has(json.type)) return this.define(json, namespace, file, path)
    else if (isObject(json.type)) throw refuse(file, path, 'a type in a type: write {"type": "string"} or "string"')
    return undefined
  }

  private define(json: Json, outer: string | undefined, file: string, path: string): Definition {
    const name = fullNameOf(json, outer, file, path)
    const namespace = namespaceOf(name)
    const known = this.definitions.get(name)
    const definition = { name, namespace, file, path, json }
    if (known === undefined) this.definitions.set(name, definition)
    else if (sortedText(known.json) !== sortedText(json))
      throw refuse(file, path, `${name} is defined differently in ${known.file}: define it once and refer to it by name`)
    else if (known.path === '' && path === '') throw refuse(file, path, `${name} is defined in ${known.file} already`)
    if (json.type === 'record') {
      if (!Array.isArray(json.fields)) throw refuse(file, path, 'a record needs "fields"')
      for (const field of json.fields)
        if (isObject(field)) this.collect(field.type, namespace, file, at(path, String(field.name)))
    }
    return definition
  }

  private resolve(name: string): void {
    if (this.named.has(name)) return
    const { json, file, namespace, path } = this.definitions.get(name)!
    const base = { name, file, ...docOf(json), raw: json }
    checkAliases(json, file, path)
    if (json.type === 'enum') {
      this.named.set(name, { kind: 'enum', ...base, symbols: symbolsOf(json, file, path) })
      return
    }
    if (json.type === 'fixed') {
      this.named.set(name, { kind: 'fixed', ...base, size: sizeOf(json, file, path), ...logicalOf(json, file, path) })
      return
    }
    // Set before its fields are looked at: a record may refer to itself.
    const fields: FieldModel[] = []
    this.named.set(name, { kind: 'record', ...base, fields })
    for (const field of json.fields as unknown[]) fields.push(this.field(field, namespace, file, path, fields))
  }

  private field(
    json: unknown,
    namespace: string | undefined,
    file: string,
    path: string,
    before: readonly FieldModel[],
  ): FieldModel {
    if (!isObject(json) || typeof json.name !== 'string') throw refuse(file, path, 'a field needs a "name"')
    const where = at(path, json.name)
    if (!NAME.test(json.name)) throw refuse(file, where, 'is no valid Avro name')
    if (json.name in Object.prototype)
      throw refuse(file, where, 'is a name that every JavaScript object has already: choose another')
    if (before.some(field => field.name === json.name)) throw refuse(file, where, 'the record has this field twice')
    checkAliases(json, file, where)
    const shape = this.shape(json.type, namespace, file, where)
    return { name: json.name, ...docOf(json), shape, hasDefault: Object.hasOwn(json, 'default'), raw: json }
  }

  private shape(json: unknown, namespace: string | undefined, file: string, path: string): Shape {
    if (typeof json === 'string') return this.reference(json, namespace, file, path)
    if (Array.isArray(json)) return this.union(json, namespace, file, path)
    if (!isObject(json)) throw refuse(file, path, `${JSON.stringify(json)} is no type`)
    const logical = logicalOf(json, file, path)
    switch (json.type) {
      case 'array':
        return { kind: 'array', items: this.shape(json.items, namespace, file, at(path, '[]')) }
      case 'map':
        return { kind: 'map', values: this.shape(json.values, namespace, file, at(path, '{}')) }
      case 'record':
      case 'enum':
      case 'fixed': {
        const name = fullNameOf(json, namespace, file, path)
        this.resolve(name)
        return { kind: 'named', name }
      }
      default:
        return isPrimitive(json.type) ? primitive(json, logical) : this.reference(json.type, namespace, file, path)
    }
  }

  private reference(name: unknown, namespace: string | undefined, file: string, path: string): Shape {
    if (isPrimitive(name)) return { kind: 'primitive', name }
    if (COMPLEX.has(name)) throw refuse(file, path, `${String(name)} needs a definition: {"type": "${String(name)}", ...}`)
    const full = typeof name === 'string' ? fullName(name, namespace) : String(name)
    if (!this.definitions.has(full)) throw refuse(file, path, `there is no type ${full} in this folder`)
    this.resolve(full)
    return { kind: 'named', name: full }
  }

  private union(branches: readonly unknown[], namespace: string | undefined, file: string, path: string): Shape {
    if (branches.length === 0) throw refuse(file, path, 'a union needs at least one branch')
    if (branches.some(Array.isArray)) throw refuse(file, path, 'a union cannot stand directly in a union')
    const shapes = branches.map(branch => this.shape(branch, namespace, file, path))
    const names = shapes.map(branchName)
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice !== undefined)
      throw refuse(
        file,
        path,
        `the union has two branches that are ${twice}: only records, enums and fixed may be there more than once`,
      )
    return { kind: 'union', branches: shapes }
  }
}

type Logical = Pick<Extract<Shape, { kind: 'primitive' }>, 'logical'>

interface Definition {
  readonly name: string
  readonly namespace: string | undefined
  readonly file: string
  readonly path: string
  readonly json: Json
}

function fullNameOf(json: Json, outer: string | undefined, file: string, path: string): string {
  if (typeof json.name !== 'string') throw refuse(file, path, `a ${String(json.type)} needs a "name"`)
  const full = definedName(json, outer)
  if (!full.split('.').every(part => NAME.test(part))) throw refuse(file, path, `${full} is no valid Avro name`)
  const simple = simpleName(full)
  if (isPrimitive(simple) || COMPLEX.has(simple)) throw refuse(file, path, `${simple} is a word of Avro and cannot name a type`)
  if (full in Object.prototype) throw refuse(file, path, `${full} is a name that every JavaScript object has already`)
  return full
}

function docOf(json: Json): { doc?: string } {
  return typeof json.doc === 'string' ? { doc: json.doc } : {}
}

function primitive(json: Json, logical: Logical): Shape {
  const { type, ...attributes } = json
  const more = Object.keys(attributes).length === 0 ? {} : { attributes }
  return { kind: 'primitive', name: type as Primitive, ...logical, ...more }
}

/** A logical type that nobody knows says nothing; one that is known must be in its place. */
function logicalOf(json: Json, file: string, path: string): Logical {
  if (!isKnown(json.logicalType)) return {}
  const problem = misplaced(json)
  if (problem !== undefined) throw refuse(file, path, problem)
  return { logical: json.logicalType }
}

function sizeOf({ size }: Json, file: string, path: string): number {
  if (Number.isInteger(size) && (size as number) >= 0) return size as number
  throw refuse(file, path, 'a fixed needs a "size", its number of bytes')
}

function checkAliases({ aliases = [] }: Json, file: string, path: string): void {
  if (!Array.isArray(aliases)) throw refuse(file, path, '"aliases" is an array of names')
  for (const alias of aliases) {
    if (typeof alias !== 'string' || !alias.split('.').every(part => NAME.test(part)))
      throw refuse(file, path, `its alias ${JSON.stringify(alias)} is no valid Avro name`)
  }
}

function symbolsOf(json: Json, file: string, path: string): string[] {
  const symbols = Array.isArray(json.symbols) ? json.symbols : []
  if (symbols.length === 0) throw refuse(file, path, 'an enum needs "symbols"')
  for (const symbol of symbols) {
    if (typeof symbol !== 'string' || !NAME.test(symbol) || symbol in Object.prototype)
      throw refuse(file, path, `${JSON.stringify(symbol)} cannot be an enum symbol`)
  }
  if (new Set(symbols).size < symbols.length) throw refuse(file, path, 'an enum symbol stands there twice')
  if (json.default !== undefined && !symbols.includes(json.default))
    throw refuse(file, path, `the enum's default ${JSON.stringify(json.default)} is none of its symbols`)
  return symbols
}
