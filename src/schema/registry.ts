/** The schema registry as Spillway needs it, and a client for any that speaks Confluent's API (Confluent, Redpanda, Apicurio). */
import {
  codeOf,
  RegistryRefused,
  RegistryUnavailable,
  SchemaIncompatible,
  SchemaNotRegistered,
  Undecodable,
  UnknownSchemaId,
} from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import type { Signals } from '../observe/signals.ts'
import { fingerprintOf } from './fingerprint.ts'
import { RegistryFolder } from './registry-folder.ts'
import { parseAddress, type RegistryAnswer, type RegistryCall, registryCalls } from './registry-http.ts'
import { Lookups } from './registry-lookups.ts'
import { assembled } from './registry-references.ts'
import { isSchemaId } from './wire.ts'

/** Every method also throws RegistryUnavailable (retryable) and RegistryRefused. */
export interface SchemaRegistry {
  /** The id under which exactly this schema is registered for the subject. Throws SchemaNotRegistered. Remembered per subject and schema. */
  idOf(subject: string, schema: MessageSchema): Promise<number>
  /**
   * The Avro JSON text of an id, with the schemas it refers to written into it. Throws UnknownSchemaId, RegistryUnavailable, Undecodable
   * when the id is no Avro schema, and nothing else. Remembered.
   */
  schemaById(id: number): Promise<string>
  /** Registers the schema, or finds it registered; answers its id. Throws SchemaIncompatible when the registry's own rules refuse it. */
  register(subject: string, schema: MessageSchema): Promise<number>
  /** All registered versions of a subject, oldest first; [] when the subject does not exist. */
  versions(subject: string): Promise<RegisteredVersion[]>
  /** The registry's own verdict against the latest version; `messages` may be empty (not every registry gives reasons). */
  isCompatible(subject: string, schema: MessageSchema): Promise<{ compatible: boolean; messages: string[] }>
  /** Resolves when the registry answers. */
  ping(): Promise<void>
  /** How many schemas and ids of this registry are on disk, for work while it does not answer. */
  kept(): Promise<number>
}

export interface RegisteredVersion {
  /** As the registry counts; there are gaps where one was deleted. */
  readonly version: number
  readonly id: number
  /** Avro JSON text, with the schemas it refers to written into it. */
  readonly schema: string
}

export interface RegistryOptions {
  /** May carry a path (`/apis/ccompat/v7`) and credentials; these never show in messages, nor on disk. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Milliseconds that one look-up may take. Default 5000. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds for which an unknown id is not asked for again. Default 30000. */
  readonly unknownForMs?: number | undefined
  /** Where what it says is kept for when it does not answer; registries may share it. Default: nowhere. */
  readonly folder?: string | undefined
  /** Told of the folder. */
  readonly signals?: Signals | undefined
  /** Monotonic milliseconds. */
  readonly clock?: { now(): number } | undefined
}

/** Opens no connection; the first call does. Throws RegistryRefused when `url` is no URL. */
export function connectRegistry(options: RegistryOptions): SchemaRegistry {
  const { timeoutMs = 5_000, unknownForMs = 30_000, clock = performance, folder, signals } = options
  const address = parseAddress(options)
  const call = registryCalls(address, timeoutMs, clock)
  const disk = folder === undefined ? undefined : new RegistryFolder(folder, address.url, signals)
  const schemas = new Lookups<number, string>(clock, unknownForMs)
  const ids = new Lookups<string, number>(clock, unknownForMs)
  const keyOf = (subject: string, schema: MessageSchema): string => `${fingerprintOf(schema)} ${subject}`
  const schemaById = (id: number): Promise<string> =>
    schemas.get(id, () =>
      orFromDisk(() => fetchSchema(call, id, AbortSignal.timeout(timeoutMs)), ['E_REGISTRY_UNAVAILABLE', 'E_UNKNOWN_SCHEMA_ID'], {
        keep: schema => disk?.keepSchema(id, schema),
        find: () => disk?.schema(id),
        tell: error => signals?.emit('schema.fromDisk', { schemaId: id, error }),
      }),
    )
  return {
    // Not when the registry says that it is not registered: what is published must be readable for others.
    idOf: (subject, schema) =>
      ids.get(keyOf(subject, schema), () =>
        orFromDisk(() => findId(call, subject, schema), ['E_REGISTRY_UNAVAILABLE'], {
          keep: id => disk?.keepId(subject, schema, id),
          find: () => disk?.idOf(subject, schema),
          tell: (error, schemaId) => signals?.emit('schema.fromDisk', { schemaId, error }),
        }),
      ),
    schemaById,
    async register(subject, schema) {
      const id = await registerVersion(call, subject, schema)
      ids.set(keyOf(subject, schema), id)
      disk?.keepId(subject, schema, id)
      return id
    },
    versions: subject => fetchVersions(call, subject, schemaById),
    isCompatible: (subject, schema) => askVerdict(call, subject, schema),
    async ping() {
      // The names of all subjects may be megabytes, and not every registry knows `limit`.
      await call('GET', '/subjects?limit=1')
    },
    kept: async () => (await disk?.size()) ?? 0,
  }
}

/**
 * The registry first, as long as it answers: one that was made anew at the same address gives other schemas for the same ids. `codes`:
 * the errors on which what is kept counts.
 */
async function orFromDisk<T>(
  ask: () => Promise<T>,
  codes: readonly string[],
  disk: {
    keep(found: T): void
    find(): Promise<T | undefined> | undefined
    tell(error: unknown, found: T): void
  },
): Promise<T> {
  try {
    const found = await ask()
    disk.keep(found)
    return found
  } catch (error) {
    const kept = codes.includes(codeOf(error) ?? '') ? await disk.find() : undefined
    if (kept === undefined) throw error
    disk.tell(error, kept)
    return kept
  }
}

/** The error of a look-up, for every implementation of SchemaRegistry. */
export function notRegistered(subject: string, schema: MessageSchema): SchemaNotRegistered {
  return new SchemaNotRegistered(
    `${schema.name}, as it is in this build, is not registered for subject ${subject}: run \`spillway schema register\` first`,
  )
}

/** The error of a look-up by id, for every implementation of SchemaRegistry. */
export function unknownId(id: number): UnknownSchemaId {
  return new UnknownSchemaId(`the schema registry knows no schema with id ${id}`)
}

async function findId(call: RegistryCall, subject: string, schema: MessageSchema): Promise<number> {
  const path = `/subjects/${encodeURIComponent(subject)}`
  const answer = await call('POST', path, { body: { schema: JSON.stringify(schema.avro) } })
  if (answer.status === 404) throw notRegistered(subject, schema)
  const { id } = answer.body as { id?: unknown }
  if (!isSchemaId(id)) throw answer.unexpected()
  return id
}

async function fetchSchema(call: RegistryCall, id: number, deadline: AbortSignal): Promise<string> {
  const answer = await call('GET', `/schemas/ids/${id}`, { deadline }).catch(refusedIsAway)
  if (answer.status !== 200) throw unknownId(id)
  const { schemaType, references } = answer.body as { schemaType?: unknown; references?: unknown }
  if (schemaType !== undefined && schemaType !== null && schemaType !== 'AVRO')
    throw new Undecodable(`schema id ${id} is ${schemaType}, not Avro`)
  const text = textOf(answer)
  if (!Array.isArray(references) || references.length === 0) return text
  return assembled(text, references, `schema id ${id}`, call, deadline).catch(refusedIsAway)
}

/** There is no wrong way to ask for an id: whoever answers 400 to it is no registry, or a broken one. */
function refusedIsAway(error: unknown): never {
  if (error instanceof RegistryRefused) throw new RegistryUnavailable(error.message, { cause: error })
  throw error
}

async function fetchVersions(
  call: RegistryCall,
  subject: string,
  schemaById: SchemaRegistry['schemaById'],
): Promise<RegisteredVersion[]> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`
  const list = await call('GET', path)
  if (list.status !== 200) return []
  if (!Array.isArray(list.body)) throw list.unexpected()
  const versions = (list.body as number[]).toSorted((a, b) => a - b)
  const found: RegisteredVersion[] = []
  for (const version of versions) {
    const answer = await call('GET', `${path}/${version}`)
    // Deleted since the list was made.
    if (answer.status !== 200) continue
    const { id, references } = answer.body as { id: number; references?: unknown[] }
    found.push({ version, id, schema: references?.length ? await schemaById(id) : textOf(answer) })
  }
  return found
}

async function registerVersion(call: RegistryCall, subject: string, schema: MessageSchema): Promise<number> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`
  const answer = await call('POST', path, { body: { schema: JSON.stringify(schema.avro) } })
  if (answer.status === 409)
    throw new SchemaIncompatible(`the registry refuses ${schema.name} for subject ${subject}: ${messageOf(answer)}`)
  const id = (answer.body as { id?: unknown }).id
  if (answer.status !== 200 || !isSchemaId(id)) throw answer.unexpected()
  return id
}

/** `versions/latest`, as it is the form that Confluent, Redpanda and Apicurio all answer. */
async function askVerdict(
  call: RegistryCall,
  subject: string,
  schema: MessageSchema,
): Promise<{ compatible: boolean; messages: string[] }> {
  const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
  const answer = await call('POST', path, { body: { schema: JSON.stringify(schema.avro) } })
  // No subject, or no version of it: nothing that could conflict.
  if (answer.status === 404) return { compatible: true, messages: [] }
  const { is_compatible: compatible, messages } = answer.body as { is_compatible?: unknown; messages?: unknown }
  if (typeof compatible !== 'boolean') throw answer.unexpected()
  return { compatible, messages: Array.isArray(messages) ? messages.map(String) : [] }
}

function textOf(answer: RegistryAnswer): string {
  const { schema } = answer.body as { schema?: unknown }
  if (typeof schema !== 'string') throw answer.unexpected()
  return schema
}

function messageOf(answer: RegistryAnswer): string {
  return String((answer.body as { message?: unknown }).message ?? `status ${answer.status}`)
}
