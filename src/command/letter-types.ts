import { isTombstone, type Letter } from '../dlq/letter.ts'
import { codeOf } from '../errors.ts'
import { tombstoneType } from '../message/tombstone.ts'
import { createDecoder, type Decoder } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { readSchemaId } from '../schema/wire.ts'

/** What the value of a letter was written with. */
export interface WrittenAs {
  readonly schemaId: number
  /** Full name; undefined when the registry does not know the id, or its schema cannot be used. */
  readonly type: string | undefined
}

export interface LetterTypes {
  /** undefined when there is no value, or it is not framed. Rejects with RegistryUnavailable. The payload is not decoded. */
  writtenAs(letter: Letter): Promise<WrittenAs | undefined>
  /** `tombstone` for one. */
  typeOf(letter: Letter): Promise<string | undefined>
}

/** `registry` is asked for when the first type is: most commands need none, and so no registry. */
export function letterTypes(registry: () => Pick<SchemaRegistry, 'schemaById'>): LetterTypes {
  let decoder: Decoder | undefined
  const writtenAs = async ({ record: { value } }: Letter): Promise<WrittenAs | undefined> => {
    const schemaId = value === null ? undefined : await whenKnown(() => readSchemaId(value))
    if (value === null || schemaId === undefined) return undefined
    // Without readers it looks the writer's schema up and leaves the payload alone.
    decoder ??= createDecoder(registry(), [])
    const known = decoder
    return { schemaId, type: (await whenKnown(() => known.decode(value)))?.type }
  }
  return { writtenAs, typeOf: async letter => (isTombstone(letter) ? tombstoneType : (await writtenAs(letter))?.type) }
}

async function whenKnown<T>(find: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await find()
  } catch (error) {
    const code = codeOf(error)
    if (code === 'E_UNDECODABLE' || code === 'E_UNKNOWN_SCHEMA_ID') return undefined
    throw error
  }
}
