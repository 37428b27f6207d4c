/** Parsed .avsc files -> a model that the emitter can print: every name resolved, everything unsupported refused by file and field. */
import { SchemaUnsupported } from '../errors.ts'
import { defaultProblem } from './avsc-default.ts'
import type { AvscFile } from './avsc-files.ts'
import type { FieldModel, Json, Model, NamedModel, Primitive, Shape } from './avsc-shape.ts'
import { at } from './words.ts'

const PRIMITIVES: ReadonlySet<unknown> = new Set(['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
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
    for (const model of this.named.values()) this.checkDefaults(model)
    this.refuseEndless()
    return { named: this.named, messages: tops.filter(top => top.json.type === 'record').map(top => top.name) }
  }

  private top(file: AvscFile): Definition {
    const json = file.json
    if (!isObject(json) || (json.type !== 'record' && json.type !== 'enum'))
      throw refuse(file.path, '', 'the file must hold one record or enum')
    return this.collect(json, undefined, file.path, '')!
  }

  /** Remembers every named type inside `json`; answers the one that `json` itself defines. */
  private collect(json: unknown, namespace: string | undefined, file: string, path: string): Definition | undefined {
    if (Array.isArray(json)) for (const branch of json) this.collect(branch, namespace, file, path)
    if (!isObject(json)) return undefined
    if (json.type === 'array') this.collect(json.items, namespace, file, at(path, '[]'))
    else if (json.type === 'map') this.collect(json.values, namespace, file, at(path, '{}'))
    else if (json.type === 'record' || json.type === 'enum') return this.define(json, namespace, file, path)
    else if (isObject(json.type)) throw refuse(file, path, 'a type in a type: write {"type": "string"} or "string"')
    return undefined
  }

  private define(json: Json, outer: string | undefined, file: string, path: string): Definition {
    const name = fullNameOf(json, outer, file, path)
    const namespace = namespaceOf(name)
    const known = this.definitions.get(name)
    const definition = { name, namespace, file, path, json }
    if (known === undefined) this.definitions.set(name, definition)
    else if (stable(known.json) !== stable(json))
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
    const doc = typeof json.doc === 'string' ? { doc: json.doc } : {}
    if (json.type === 'enum') {
      this.named.set(name, { kind: 'enum', name, file, ...doc, symbols: symbolsOf(json, file, path), raw: json })
      return
    }
    // Set before its fields are looked at: a record may refer to itself.
    const fields: FieldModel[] = []
    this.named.set(name, { kind: 'record', name, file, ...doc, fields, raw: json })
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
    const shape = this.shape(json.type, namespace, file, where)
    const doc = typeof json.doc === 'string' ? { doc: json.doc } : {}
    return { name: json.name, ...doc, shape, hasDefault: Object.hasOwn(json, 'default'), raw: json }
  }

  private shape(json: unknown, namespace: string | undefined, file: string, path: string): Shape {
    if (typeof json === 'string') return this.reference(json, namespace, file, path)
    if (Array.isArray(json)) return this.union(json, namespace, file, path)
    if (!isObject(json)) throw refuse(file, path, `${JSON.stringify(json)} is no type`)
    if (json.logicalType !== undefined) {
      if (json.logicalType === 'timestamp-millis' && json.type === 'long') return { kind: 'timestamp' }
      throw refuse(
        file,
        path,
        `logical type ${String(json.logicalType)} on ${String(json.type)} is not supported (only timestamp-millis on long is)`,
      )
    }
    switch (json.type) {
      case 'array':
        return { kind: 'array', items: this.shape(json.items, namespace, file, at(path, '[]')) }
      case 'map':
        return { kind: 'map', values: this.shape(json.values, namespace, file, at(path, '{}')) }
      case 'record':
      case 'enum': {
        const name = fullNameOf(json, namespace, file, path)
        this.resolve(name)
        return { kind: 'named', name }
      }
      default:
        return this.reference(json.type, namespace, file, path)
    }
  }

  private reference(name: unknown, namespace: string | undefined, file: string, path: string): Shape {
    if (PRIMITIVES.has(name)) return { kind: 'primitive', name: name as Primitive }
    if (name === 'null') throw refuse(file, path, 'null by itself is not supported: it carries nothing')
    if (name === 'fixed') throw refuse(file, path, 'fixed is not supported: use bytes')
    const full = typeof name !== 'string' || name.includes('.') || !namespace ? String(name) : `${namespace}.${name}`
    if (!this.definitions.has(full)) throw refuse(file, path, `there is no type ${full} in this folder`)
    this.resolve(full)
    return { kind: 'named', name: full }
  }

  private union(branches: readonly unknown[], namespace: string | undefined, file: string, path: string): Shape {
    const others = branches.filter(branch => branch !== 'null')
    if (branches.length !== 2 || others.length !== 1 || Array.isArray(others[0])) {
      throw refuse(file, path, 'the only unions supported are those of null and one other type')
    }
    return { kind: 'nullable', of: this.shape(others[0], namespace, file, path), nullFirst: branches[0] === 'null' }
  }

  private checkDefaults(model: NamedModel): void {
    if (model.kind === 'enum') return
    for (const field of model.fields) {
      if (!field.hasDefault) continue
      const problem = defaultProblem(field.shape, field.raw.default, this.named)
      if (problem !== undefined) throw refuse(model.file, `${simpleName(model.name)}.${field.name}`, `its default ${problem}`)
    }
  }

  /** A record that must contain itself has no finite value. */
  private refuseEndless(): void {
    const visit = (name: string, above: readonly string[]): void => {
      const model = this.named.get(name)!
      if (model.kind === 'enum') return
      if (above.includes(name))
        throw refuse(
          model.file,
          simpleName(name),
          `contains itself (${[...above, name].join(' > ')}): make a field on the way nullable`,
        )
      for (const field of model.fields) if (field.shape.kind === 'named') visit(field.shape.name, [...above, name])
    }
    for (const name of this.named.keys()) visit(name, [])
  }
}

interface Definition {
  readonly name: string
  readonly namespace: string | undefined
  readonly file: string
  readonly path: string
  readonly json: Json
}

export function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}

export function namespaceOf(fullName: string): string | undefined {
  return fullName.includes('.') ? fullName.slice(0, fullName.lastIndexOf('.')) : undefined
}

/** `<file>: <field path>: <reason>`. */
export function refuse(file: string, path: string, reason: string): SchemaUnsupported {
  return new SchemaUnsupported(`${file}: ${path === '' ? '' : `${path}: `}${reason}`)
}

function fullNameOf(json: Json, outer: string | undefined, file: string, path: string): string {
  if (typeof json.name !== 'string') throw refuse(file, path, `a ${String(json.type)} needs a "name"`)
  const namespace = typeof json.namespace === 'string' ? json.namespace : outer
  const full = json.name.includes('.') || !namespace ? json.name : `${namespace}.${json.name}`
  if (!full.split('.').every(part => NAME.test(part))) throw refuse(file, path, `${full} is no valid Avro name`)
  return full
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

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** JSON with sorted keys: two definitions are the same whatever the order of their properties. */
function stable(json: unknown): string {
  return JSON.stringify(json, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}
