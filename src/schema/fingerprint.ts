import { createHash } from 'node:crypto'
import type { MessageSchema } from '../message/schema.ts'

const fingerprints = new WeakMap<MessageSchema, string>()

/**
 * Of all that decides how a schema reads: Avro's own fingerprint leaves out defaults, aliases and logical types. 64 hex digits.
 */
export function fingerprintOf(schema: MessageSchema): string {
  const known = fingerprints.get(schema)
  if (known !== undefined) return known
  const made = hashOf(`${schema.long} ${JSON.stringify(schema.avro)}`)
  fingerprints.set(schema, made)
  return made
}

/** SHA-256 in hex digits. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
