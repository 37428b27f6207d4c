import { KeyMissing } from '../errors.ts'
import type { MessageDefinition } from './definition.ts'

/** The record key of a payload: its key field as text. Throws KeyMissing (E_KEY_MISSING) when that field is missing, null or empty. */
export function entityKey(definition: MessageDefinition, payload: unknown): string {
  return keyText(definition, (payload as Record<string, unknown> | null | undefined)?.[definition.key])
}

/** That of a tombstone, as its key field would be. Throws KeyMissing (E_KEY_MISSING) like `entityKey`. */
export function tombstoneKey(definition: MessageDefinition, key: unknown): string {
  return keyText(definition, key)
}

function keyText(definition: MessageDefinition, value: unknown): string {
  if (value === undefined || value === null || value === '') {
    const found = value === '' ? 'it is empty' : `it is ${value}`
    throw new KeyMissing(`${definition.key}: the entity key must not be missing, ${found} · schema ${definition.type}`)
  }
  return String(value)
}
