/** Avro JSON as a tree in which every name leads to what it names: what two schemas are compared by. */
import { isObject, type Json } from './avro-json.ts'
import { definedName, fullName, namespaceOf } from './avsc-names.ts'
import { isPrimitive } from './primitives.ts'

export interface Logical {
  readonly name: string
  /** Of a decimal. */
  readonly precision: number
  readonly scale: number
}

export interface TreeField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: Tree
  readonly hasDefault: boolean
  readonly default: unknown
  readonly doc: string
}

export interface PrimitiveTree {
  readonly kind: 'primitive'
  readonly name: string
  readonly logical: Logical | undefined
}

export interface RecordTree {
  readonly kind: 'record'
  /** Full, as are the aliases. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly fields: readonly TreeField[]
  readonly doc: string
}

export interface EnumTree {
  readonly kind: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly symbols: readonly string[]
  readonly default: string | undefined
  readonly doc: string
}

export interface FixedTree {
  readonly kind: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  readonly size: number
  readonly logical: Logical | undefined
}

/** A record that contains itself is a cycle. */
export type Tree =
  | PrimitiveTree
  | RecordTree
  | EnumTree
  | FixedTree
  | { readonly kind: 'array'; readonly items: Tree }
  | { readonly kind: 'map'; readonly values: Tree }
  | { readonly kind: 'union'; readonly branches: readonly Tree[] }

/** `json` is parsed Avro JSON. Throws Error where it is none; what else makes a schema valid is for avsc to say. */
export function schemaTree(json: unknown): Tree {
  return new Reading().type(json, undefined)
}

/** `int`, `timestamp-millis`, `decimal(10, 2)`, `string or null`, `array of long`, `retail.OrderLine`. */
export function treeInWords(tree: Tree): string {
  switch (tree.kind) {
    case 'array':
      return `array of ${treeInWords(tree.items)}`
    case 'map':
      return `map of ${treeInWords(tree.values)}`
    case 'union': {
      const others = tree.branches.filter(branch => !isNull(branch)).map(treeInWords)
      return (others.length < tree.branches.length ? [...others, 'null'] : others).join(' or ')
    }
    case 'primitive':
      return tree.logical === undefined ? tree.name : logicalInWords(tree.logical)
    case 'fixed':
      return tree.logical === undefined
        ? `fixed ${tree.name} (${tree.size} bytes)`
        : `${logicalInWords(tree.logical)} in fixed ${tree.name}`
    default:
      return `${tree.kind} ${tree.name}`
  }
}

export function logicalInWords({ name, precision, scale }: Logical): string {
  return name === 'decimal' ? `decimal(${precision}, ${scale})` : name
}

export function isNull(tree: Tree): boolean {
  return tree.kind === 'primitive' && tree.name === 'null'
}

class Reading {
  readonly #named = new Map<string, Tree>()

  type(json: unknown, namespace: string | undefined): Tree {
    if (typeof json === 'string') return this.#reference(json, namespace)
    if (Array.isArray(json)) return { kind: 'union', branches: json.map(branch => this.type(branch, namespace)) }
    if (!isObject(json)) throw new Error(`${JSON.stringify(json)} is no Avro type`)
    switch (json.type) {
      case 'array':
        return { kind: 'array', items: this.type(json.items, namespace) }
      case 'map':
        return { kind: 'map', values: this.type(json.values, namespace) }
      case 'record':
      case 'error':
        return this.#record(json, namespace)
      case 'enum': {
        const symbols = texts(json.symbols)
        const ownDefault = typeof json.default === 'string' ? json.default : undefined
        return this.#remember({ kind: 'enum', ...headOf(json, namespace), symbols, default: ownDefault, doc: docOf(json) })
      }
      case 'fixed': {
        const logical = logicalOf(json)
        return this.#remember({ kind: 'fixed', ...headOf(json, namespace), size: Number(json.size), logical })
      }
      default:
        return this.#wrapped(json, namespace)
    }
  }

  /** `{"type": "long", "logicalType": ...}`, or a type in a type. */
  #wrapped(json: Json, namespace: string | undefined): Tree {
    const inner = this.type(json.type, namespace)
    const logical = logicalOf(json)
    return logical !== undefined && inner.kind === 'primitive' ? { ...inner, logical } : inner
  }

  #reference(name: string, namespace: string | undefined): Tree {
    if (isPrimitive(name)) return { kind: 'primitive', name, logical: undefined }
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)
    if (found === undefined) throw new Error(`there is no type ${name}`)
    return found
  }

  #record(json: Json, outer: string | undefined): Tree {
    const head = headOf(json, outer)
    const fields: TreeField[] = []
    // Remembered before its fields are read: it may contain itself.
    const record = this.#remember({ kind: 'record', ...head, fields, doc: docOf(json) })
    for (const field of Array.isArray(json.fields) ? json.fields : []) {
      if (!isObject(field) || typeof field.name !== 'string') throw new Error(`a field of ${head.name} has no name`)
      fields.push({
        name: field.name,
        aliases: texts(field.aliases),
        type: this.type(field.type, namespaceOf(head.name)),
        hasDefault: Object.hasOwn(field, 'default'),
        default: field.default,
        doc: docOf(field),
      })
    }
    return record
  }

  #remember<T extends RecordTree | EnumTree | FixedTree>(tree: T): T {
    this.#named.set(tree.name, tree)
    return tree
  }
}

function headOf(json: Json, outer: string | undefined): { name: string; aliases: string[] } {
  if (typeof json.name !== 'string') throw new Error(`a ${String(json.type)} has no name`)
  const name = definedName(json, outer)
  return { name, aliases: texts(json.aliases).map(alias => fullName(alias, namespaceOf(name))) }
}

/** Without parameters that make sense a logical type is none, as Avro has it. */
function logicalOf({ logicalType: name, precision, scale = 0 }: Json): Logical | undefined {
  if (typeof name !== 'string') return undefined
  if (name !== 'decimal') return { name, precision: 0, scale: 0 }
  return Number.isInteger(precision) && Number.isInteger(scale)
    ? { name, precision: precision as number, scale: scale as number }
    : undefined
}

function docOf({ doc }: Json): string {
  return typeof doc === 'string' ? doc : ''
}

function texts(json: unknown): string[] {
  return Array.isArray(json) ? json.filter(one => typeof one === 'string') : []
}
