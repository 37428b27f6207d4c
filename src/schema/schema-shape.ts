/** What a schema must not have: field names that reach into prototypes, and items of no bytes, whose number nothing bounds. */
import type avro from 'avsc'

/** Before avsc compiles it: `schema` is parsed Avro JSON; its validity otherwise is avsc's to judge. Throws Error, naming the record. */
export function refuseUnsafeNames(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  if (Array.isArray(schema)) {
    for (const branch of schema) refuseUnsafeNames(branch)
    return
  }
  const { name, type, items, values, fields } = schema as Record<string, unknown>
  for (const part of [type, items, values]) refuseUnsafeNames(part)
  for (const field of Array.isArray(fields) ? fields : []) {
    if (field?.name === '__proto__') throw new Error(`record ${String(name)} has a field named __proto__`)
    refuseUnsafeNames(field)
  }
}

/**
 * Throws Error when the items of an array take no bytes: ten bytes could claim 2^60 of them. Looked for in what avsc has made of the
 * schema, since only there it is plain what a name means: `x.null` is null, and `.Empty` a record of no namespace.
 */
export function refuseItemsOfNoBytes(type: avro.Type): void {
  new Walk().takesBytes(type as Part)
}

/** Of an avsc type (5.7.9, lib/types.js); not all of it is in its typings. */
interface Part {
  readonly typeName: string
  readonly fields?: readonly { readonly type: Part }[]
  readonly itemsType?: Part
  readonly valuesType?: Part
  readonly types?: readonly Part[]
  readonly size?: number
  readonly underlyingType?: Part
}

class Walk {
  readonly #known = new Map<Part, boolean>()

  /** Whether each value takes at least one byte. */
  takesBytes(part: Part): boolean {
    const known = this.#known.get(part)
    if (known !== undefined) return known
    // For one that contains itself: a value of it that never gets to an array, a map or a union has no end, and cannot be read at all.
    this.#known.set(part, true)
    const takes = this.#look(part)
    this.#known.set(part, takes)
    return takes
  }

  #look({ typeName, fields = [], itemsType, valuesType, types = [], size, underlyingType }: Part): boolean {
    if (underlyingType) return this.takesBytes(underlyingType)
    if (itemsType && !this.takesBytes(itemsType))
      throw new Error('an array of items that take no bytes: its length could not be checked')
    if (valuesType) this.takesBytes(valuesType)
    for (const branch of types) this.takesBytes(branch)
    // All fields: an array may be in any of them.
    if (typeName === 'record' || typeName === 'error') return fields.map(field => this.takesBytes(field.type)).includes(true)
    return typeName !== 'null' && size !== 0
  }
}
