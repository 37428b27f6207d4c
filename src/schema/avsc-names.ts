/** Full names, and how a refusal names its place. */
import { SchemaUnsupported } from '../errors.ts'
import type { Json } from './avro-json.ts'

export function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}

export function namespaceOf(fullName: string): string | undefined {
  return fullName.includes('.') ? fullName.slice(0, fullName.lastIndexOf('.')) : undefined
}

/** What `name` means inside of `namespace`. */
export function fullName(name: string, namespace: string | undefined): string {
  return name.includes('.') || !namespace ? name : `${namespace}.${name}`
}

/** The full name of what `definition` defines, inside of namespace `outer`. An empty namespace of its own says that it has none. */
export function definedName({ name, namespace }: Json, outer: string | undefined): string {
  return fullName(String(name), typeof namespace === 'string' ? namespace : outer)
}

/** `<file>: <field path>: <reason>`. */
export function refuse(file: string, path: string, reason: string): SchemaUnsupported {
  return new SchemaUnsupported(`${file}: ${path === '' ? '' : `${path}: `}${reason}`)
}
