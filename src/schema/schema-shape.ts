/** What a writer's schema must not have, looked for before avsc compiles it: names that reach into prototypes, items of no bytes. */

/** Throws Error, naming what it found. `schema` is parsed Avro JSON; its validity otherwise is avsc's to judge. */
export function refuseUnsafeShape(schema: unknown): void {
  new Walk().visit(schema, undefined)
}

/** Whether a value takes at least one byte, or is a named type that is still being walked (then only its other fields count). */
type Width = 'some' | 'none'

class Walk {
  private readonly named = new Map<string, Width>()

  visit(schema: unknown, namespace: string | undefined): Width {
    if (typeof schema === 'string') return this.reference(schema, namespace)
    if (Array.isArray(schema)) {
      for (const branch of schema) this.visit(branch, namespace)
      return 'some'
    }
    if (typeof schema !== 'object' || schema === null) return 'some'
    return this.defined(schema as Record<string, unknown>, namespace)
  }

  private reference(name: string, namespace: string | undefined): Width {
    if (name === 'null') return 'none'
    return this.named.get(fullName(name, namespace)) ?? this.named.get(name) ?? 'some'
  }

  private defined(schema: Record<string, unknown>, namespace: string | undefined): Width {
    switch (schema.type) {
      case 'array':
        return this.container(schema.items, namespace)
      case 'map':
        // A map's entry has its key, at least one byte.
        this.visit(schema.values, namespace)
        return 'some'
      case 'fixed':
        return this.remember(schema, namespace, schema.size === 0 ? 'none' : 'some')
      case 'enum':
        return this.remember(schema, namespace, 'some')
      case 'record':
      case 'error':
        return this.record(schema, namespace)
      default:
        return typeof schema.type === 'string' ? this.reference(schema.type, namespace) : this.visit(schema.type, namespace)
    }
  }

  private container(items: unknown, namespace: string | undefined): Width {
    if (this.visit(items, namespace) === 'none')
      throw new Error('an array of items that take no bytes: its length could not be checked')
    return 'some'
  }

  private record(schema: Record<string, unknown>, outer: string | undefined): Width {
    const full = fullName(String(schema.name), namespaceOf(schema, outer))
    const namespace = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : undefined
    this.named.set(full, 'some')
    let width: Width = 'none'
    for (const field of Array.isArray(schema.fields) ? schema.fields : []) {
      if (field?.name === '__proto__') throw new Error(`record ${full} has a field named __proto__`)
      if (this.visit(field?.type, namespace) === 'some') width = 'some'
    }
    this.named.set(full, width)
    return width
  }

  private remember(schema: Record<string, unknown>, namespace: string | undefined, width: Width): Width {
    this.named.set(fullName(String(schema.name), namespaceOf(schema, namespace)), width)
    return width
  }
}

function namespaceOf(schema: Record<string, unknown>, outer: string | undefined): string | undefined {
  return typeof schema.namespace === 'string' ? schema.namespace : outer
}

function fullName(name: string, namespace: string | undefined): string {
  return name.includes('.') || !namespace ? name : `${namespace}.${name}`
}
