/** A schema that refers to schemas of other subjects, in one piece. */
import { RegistryUnavailable, Undecodable } from '../errors.ts'
import { isObject, type Json } from './avro-json.ts'
import { definedName, fullName, namespaceOf, simpleName } from './avsc-names.ts'
import type { RegistryCall } from './registry-http.ts'

/** A version of a subject, as another schema refers to it. */
interface Reference {
  readonly subject: string
  readonly version: number
}

/** More than anybody writes: a registry that is wrong could else be asked for ever. */
const mostReferences = 1_000

/**
 * The Avro JSON of `json` with all that it refers to, near or far, written into it, logical types and defaults as they stand. Throws
 * RegistryUnavailable also when one of these cannot be found; Undecodable when the parts make no schema.
 */
export async function assembled(
  json: string,
  references: readonly unknown[],
  name: string,
  call: RegistryCall,
  deadline: AbortSignal,
): Promise<string> {
  const texts = await fetched(references, name, call, deadline)
  try {
    const schema: unknown = JSON.parse(json)
    const parts = new Parts()
    // Of two parts with one name the first counts: what the schema itself defines.
    for (const part of [schema, ...texts.map(text => JSON.parse(text) as unknown)]) parts.collect(part, undefined)
    return JSON.stringify(parts.write(schema, undefined))
  } catch (cause) {
    throw new Undecodable(`${name} and what it refers to make no Avro schema: ${(cause as Error).message}`, { cause })
  }
}

async function fetched(
  references: readonly unknown[],
  name: string,
  call: RegistryCall,
  deadline: AbortSignal,
): Promise<string[]> {
  const texts = new Map<string, string>()
  for (let next = references; next.length > 0; ) {
    const paths = [...new Set(next.map(one => pathOf(one, name)))].filter(path => !texts.has(path))
    if (texts.size + paths.length > mostReferences)
      throw new Undecodable(`${name} refers to more than ${mostReferences} other schemas`)
    const answers = await Promise.all(paths.map(path => call('GET', path, { deadline }))).catch(cause => {
      throw new RegistryUnavailable(`what ${name} refers to cannot be had: ${(cause as Error).message}`, { cause })
    })
    next = answers.flatMap((answer, i) => {
      const { schema, references: more } = answer.body as { schema?: unknown; references?: unknown }
      if (answer.status !== 200 || typeof schema !== 'string')
        throw new RegistryUnavailable(`${name} refers to a schema that the registry does not give: GET ${paths[i]}`)
      texts.set(paths[i]!, schema)
      return Array.isArray(more) ? (more as unknown[]) : []
    })
  }
  return [...texts.values()]
}

function pathOf(reference: unknown, name: string): string {
  const { subject, version } = (reference ?? {}) as Partial<Reference>
  if (typeof subject !== 'string' || typeof version !== 'number')
    throw new RegistryUnavailable(`${name} refers to something that the registry does not name`)
  return `/subjects/${encodeURIComponent(subject)}/versions/${version}`
}

const named = new Set(['record', 'error', 'enum', 'fixed'])

/** Definitions by full name. Each is written in full where it is first needed, and by its name after that. */
class Parts {
  readonly #definitions = new Map<string, Json>()
  readonly #written = new Set<string>()

  collect(schema: unknown, namespace: string | undefined): void {
    if (Array.isArray(schema)) for (const branch of schema) this.collect(branch, namespace)
    if (!isObject(schema)) return
    if (!named.has(String(schema.type))) {
      for (const inner of [schema.type, schema.items, schema.values]) this.collect(inner, namespace)
      return
    }
    const name = definedName(schema, namespace)
    if (!this.#definitions.has(name)) this.#definitions.set(name, schema)
    for (const field of fieldsOf(schema)) this.collect(field.type, namespaceOf(name))
  }

  write(schema: unknown, namespace: string | undefined): unknown {
    if (typeof schema === 'string') return this.#byName(schema, namespace)
    if (Array.isArray(schema)) return schema.map(branch => this.write(branch, namespace))
    if (!isObject(schema)) return schema
    if (named.has(String(schema.type))) return this.#definition(definedName(schema, namespace))
    const inner = ['type', 'items', 'values'].filter(key => Object.hasOwn(schema, key))
    return { ...schema, ...Object.fromEntries(inner.map(key => [key, this.write(schema[key], namespace)])) }
  }

  #byName(name: string, namespace: string | undefined): unknown {
    const full = [fullName(name, namespace), name].find(one => this.#definitions.has(one))
    return full === undefined ? name : this.#definition(full)
  }

  #definition(name: string): unknown {
    if (this.#written.has(name)) return name
    this.#written.add(name)
    const schema = this.#definitions.get(name)!
    const namespace = namespaceOf(name)
    const fields = fieldsOf(schema).map(field => ({ ...field, type: this.write(field.type, namespace) }))
    // An empty one says "none", where the enclosing record's would be taken over.
    const head = { ...schema, name: simpleName(name), namespace: namespace ?? '' }
    return Array.isArray(schema.fields) ? { ...head, fields } : head
  }
}

function fieldsOf({ fields }: Json): Json[] {
  return Array.isArray(fields) ? fields.filter(isObject) : []
}
