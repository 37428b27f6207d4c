import { isTombstone, type Letter } from '../dlq/letter.ts'
import { codeOf } from '../errors.ts'
import { tombstoneType } from '../message/tombstone.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { resolutionsOf } from '../schema/resolutions.ts'
import { schemaIdIn } from '../schema/wire.ts'

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
  const writtenAs = async ({ record: { value } }: Letter): Promise<WrittenAs | undefined> => {
    const schemaId = value === null ? undefined : schemaIdIn(value)
    return schemaId === undefined ? undefined : { schemaId, type: await nameOf(schemaId, registry()) }
  }
  return { writtenAs, typeOf: async letter => (isTombstone(letter) ? tombstoneType : (await writtenAs(letter))?.type) }
}

async function nameOf(schemaId: number, registry: Pick<SchemaRegistry, 'schemaById'>): Promise<string | undefined> {
  try {
    const writer = await resolutionsOf(registry).writer(schemaId)
    return writer.kind === 'usable' ? writer.name : undefined
  } catch (error) {
    if (codeOf(error) === 'E_UNKNOWN_SCHEMA_ID') return undefined
    throw error
  }
}
