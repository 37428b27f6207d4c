/** Full names, and how a refusal names its place. */
import { SchemaUnsupported } from '../errors.ts'

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
