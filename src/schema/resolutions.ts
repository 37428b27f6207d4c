/**
 * Writers' schemas and what reading them takes, of one registry and for all groups of a process: each schema is fetched and compiled
 * once, each pair of a writer id and a reader (by fingerprint) is resolved once, and one that cannot be is remembered as such.
 */
import type avro from 'avsc'
import { codeOf, messageOf } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { writerType } from './avro-type.ts'
import { typeOf } from './codec.ts'
import { resolutionProblems } from './compatibility.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { SchemaRegistry } from './registry.ts'
import { type Resolver, resolverOf } from './resolve.ts'

/** What is registered under an id. */
export type Writer = { readonly schemaId: number } & (
  | {
      readonly kind: 'usable'
      /** Full name; the kind of type where it has none ("string"). */
      readonly name: string
      readonly type: avro.Type
      /** As the registry has it. */
      readonly json: string
    }
  | Refusal
)

/** Nothing that was written so can be read. */
export interface Refusal {
  readonly kind: 'refused'
  readonly reason: string
  readonly cause?: unknown
}

export type Resolution =
  /** Without a resolver the reader reads the bytes itself. */
  { readonly kind: 'readable'; readonly reader: avro.Type; readonly resolver: Resolver | undefined } | Refusal

type Schemas = Pick<SchemaRegistry, 'schemaById'>

const known = new WeakMap<Schemas, Resolutions>()

export function resolutionsOf(registry: Schemas): Resolutions {
  let resolutions = known.get(registry)
  if (resolutions === undefined) {
    resolutions = new Resolutions(registry)
    known.set(registry, resolutions)
  }
  return resolutions
}

export class Resolutions {
  readonly #registry: Schemas
  readonly #writers = new Map<number, Promise<Writer>>()
  readonly #pairs = new Map<string, Resolution>()

  constructor(registry: Schemas) {
    this.#registry = registry
  }

  /** Rejects with UnknownSchemaId or RegistryUnavailable, and is asked anew then. */
  writer(schemaId: number): Promise<Writer> {
    const running = this.#writers.get(schemaId)
    if (running !== undefined) return running
    const writer = this.#load(schemaId)
    this.#writers.set(schemaId, writer)
    writer.catch(() => this.#writers.delete(schemaId))
    return writer
  }

  resolution(writer: Extract<Writer, { kind: 'usable' }>, reader: MessageSchema): Resolution {
    const key = `${writer.schemaId} ${fingerprintOf(reader)}`
    let resolution = this.#pairs.get(key)
    if (resolution === undefined) {
      resolution = resolve(writer, reader)
      this.#pairs.set(key, resolution)
    }
    return resolution
  }

  async #load(schemaId: number): Promise<Writer> {
    let json: string
    try {
      json = await this.#registry.schemaById(schemaId)
    } catch (cause) {
      // An id stays what it is: a schema of another language does not become Avro.
      if (codeOf(cause) === 'E_UNDECODABLE') return { schemaId, kind: 'refused', reason: messageOf(cause), cause }
      throw cause
    }
    try {
      const type = writerType(json)
      return { schemaId, kind: 'usable', name: type.name ?? type.typeName, type, json }
    } catch (cause) {
      return {
        ...{ schemaId, kind: 'refused', cause },
        reason: `the registered schema of id ${schemaId} cannot be used: ${messageOf(cause)}`,
      }
    }
  }
}

function resolve({ schemaId, name, type, json }: Extract<Writer, { kind: 'usable' }>, schema: MessageSchema): Resolution {
  const reader = typeOf(schema)
  try {
    return { kind: 'readable', reader, resolver: resolverOf(reader, type) }
  } catch (cause) {
    const [first] = resolutionProblems(schema, json)
    const where = first === undefined ? messageOf(cause) : `${first.path === '' ? '' : `${first.path}: `}${first.refusal}`
    const reason = `${name} as written with schema id ${schemaId} cannot be read by this service's schema: ${where}`
    return { kind: 'refused', reason, cause }
  }
}
