/** The Avro JSON of one record with everything it refers to written into it: what a registry takes without references. */
import { namespaceOf, simpleName } from './avsc-names.ts'
import type { FieldModel, Model, NamedModel, RecordModel, Shape } from './avsc-shape.ts'

/** Each named type stands in full where it is first needed, and by its full name after that. */
export function selfContained(record: RecordModel, model: Model): object {
  return new Writer(model).named(record, undefined) as object
}

class Writer {
  private readonly model: Model
  private readonly written = new Set<string>()

  constructor(model: Model) {
    this.model = model
  }

  named(named: NamedModel, outer: string | undefined): unknown {
    if (this.written.has(named.name)) return named.name
    this.written.add(named.name)
    const namespace = namespaceOf(named.name)
    const head = {
      type: named.kind,
      name: simpleName(named.name),
      // An empty one says "none", where the enclosing record's would be taken over.
      ...(namespace !== undefined ? { namespace } : outer !== undefined ? { namespace: '' } : {}),
      ...pick(named.raw, ['doc', 'aliases']),
    }
    if (named.kind === 'fixed') return { ...head, size: named.size, ...pick(named.raw, ['logicalType', 'precision', 'scale']) }
    if (named.kind === 'enum') return { ...head, symbols: named.symbols, ...pick(named.raw, ['default']) }
    return { ...head, fields: named.fields.map(field => this.field(field, namespace)) }
  }

  private field(field: FieldModel, namespace: string | undefined): object {
    return {
      name: field.name,
      type: this.shape(field.shape, namespace),
      ...pick(field.raw, ['doc', 'default', 'order', 'aliases']),
    }
  }

  private shape(shape: Shape, namespace: string | undefined): unknown {
    switch (shape.kind) {
      case 'primitive':
        return shape.attributes === undefined ? shape.name : { type: shape.name, ...shape.attributes }
      case 'array':
        return { type: 'array', items: this.shape(shape.items, namespace) }
      case 'map':
        return { type: 'map', values: this.shape(shape.values, namespace) }
      case 'union':
        return shape.branches.map(branch => this.shape(branch, namespace))
      case 'named':
        return this.named(this.model.named.get(shape.name)!, namespace)
    }
  }
}

function pick(raw: Readonly<Record<string, unknown>>, keys: readonly string[]): object {
  return Object.fromEntries(keys.filter(key => raw[key] !== undefined).map(key => [key, raw[key]]))
}
