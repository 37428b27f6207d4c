/** The schema registry as Spillway needs it, and a client for any that speaks Confluent's API (Confluent, Redpanda, Apicurio). */
import { SchemaIncompatible, SchemaNotRegistered, Undecodable, UnknownSchemaId } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { type AssembleSchema, schemaAssembler } from './registry-client.ts'
import { parseAddress, type RegistryAnswer, type RegistryCall, registryCalls } from './registry-http.ts'

/** Every method also throws RegistryUnavailable (retryable) and RegistryRefused. */
export interface SchemaRegistry {
  /** The id under which exactly this schema is registered for the subject. Throws SchemaNotRegistered. Remembered per subject and schema. */
  idOf(subject: string, schema: MessageSchema): Promise<number>
  /** The Avro JSON text of an id, with the schemas it refers to written into it. Throws UnknownSchemaId; Undecodable when the id is no Avro schema. Remembered. */
  schemaById(id: number): Promise<string>
  /** Registers the schema, or finds it registered; answers its id. Throws SchemaIncompatible when the registry's own rules refuse it. */
  register(subject: string, schema: MessageSchema): Promise<number>
  /** All registered versions of a subject, oldest first; [] when the subject does not exist. */
  versions(subject: string): Promise<RegisteredVersion[]>
  /** The registry's own verdict against the latest version; `messages` may be empty (not every registry gives reasons). */
  isCompatible(subject: string, schema: MessageSchema): Promise<{ compatible: boolean; messages: string[] }>
  /** Resolves when the registry answers. */
  ping(): Promise<void>
}

export interface RegisteredVersion {
  /** As the registry counts; there are gaps where one was deleted. */
  readonly version: number
  readonly id: number
  /** Avro JSON text, with the schemas it refers to written into it. */
  readonly schema: string
}

export interface RegistryOptions {
  /** May carry a path (`/apis/ccompat/v7`) and credentials; these never show in messages. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Milliseconds that one look-up may take. Default 5000. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds for which an unknown id is not asked for again. Default 30000. */
  readonly unknownForMs?: number | undefined
  /** Monotonic milliseconds. */
  readonly clock?: { now(): number } | undefined
}

/** Opens no connection; the first call does. Throws RegistryRefused when `url` is no URL. */
export function connectRegistry(options: RegistryOptions): SchemaRegistry {
  const address = parseAddress(options)
  const timeoutMs = options.timeoutMs ?? 5_000
  const call = registryCalls(address, timeoutMs)
  const assemble = schemaAssembler(address, timeoutMs)
  const ids = rememberedIds((subject, schema) => findId(call, subject, schema))
  const schemas = rememberedSchemas(
    id => fetchSchema(call, id, assemble),
    options.unknownForMs ?? 30_000,
    options.clock ?? performance,
  )
  return {
    idOf: ids.get,
    schemaById: schemas,
    async register(subject, schema) {
      const id = await registerVersion(call, subject, schema)
      ids.set(subject, schema, id)
      return id
    },
    versions: subject => fetchVersions(call, subject, schemas),
    isCompatible: (subject, schema) => askVerdict(call, subject, schema),
    async ping() {
      await call('GET', '/subjects')
    },
  }
}

/** The error of a look-up, for every implementation of SchemaRegistry. */
export function notRegistered(subject: string, schema: MessageSchema): SchemaNotRegistered {
  return new SchemaNotRegistered(
    `${schema.name}, as it is in this build, is not registered for subject ${subject}: run \`spillway schema register\` first`,
  )
}

/** One look-up at a time per (subject, schema); a failed one is forgotten. */
function rememberedIds(find: SchemaRegistry['idOf']): {
  get: SchemaRegistry['idOf']
  set(subject: string, schema: MessageSchema, id: number): void
} {
  const known = new WeakMap<MessageSchema, Map<string, Promise<number>>>()
  const bySubject = (schema: MessageSchema): Map<string, Promise<number>> => {
    const subjects = known.get(schema) ?? new Map<string, Promise<number>>()
    known.set(schema, subjects)
    return subjects
  }
  return {
    get(subject, schema) {
      const subjects = bySubject(schema)
      const running = subjects.get(subject)
      if (running !== undefined) return running
      const lookup = find(subject, schema)
      subjects.set(subject, lookup)
      lookup.catch(() => subjects.delete(subject))
      return lookup
    },
    set: (subject, schema, id) => void bySubject(schema).set(subject, Promise.resolve(id)),
  }
}

/** Ids come from bytes on a topic, which may be anyone's: what is remembered of unknown ones is bounded. */
const UNKNOWN_KEPT = 10_000

function rememberedSchemas(
  find: (id: number) => Promise<string>,
  unknownForMs: number,
  clock: { now(): number },
): SchemaRegistry['schemaById'] {
  const known = new Map<number, Promise<string>>()
  const unknownUntil = new Map<number, number>()

  function onFailure(id: number, error: unknown): void {
    known.delete(id)
    if (!(error instanceof UnknownSchemaId)) return
    unknownUntil.delete(id)
    unknownUntil.set(id, clock.now() + unknownForMs)
    if (unknownUntil.size > UNKNOWN_KEPT) unknownUntil.delete(unknownUntil.keys().next().value!)
  }

  return id => {
    const running = known.get(id)
    if (running !== undefined) return running
    const until = unknownUntil.get(id)
    if (until !== undefined && clock.now() < until) return Promise.reject(unknownId(id))
    const lookup = find(id)
    known.set(id, lookup)
    lookup.catch(error => onFailure(id, error))
    return lookup
  }
}

/** The error of a look-up by id, for every implementation of SchemaRegistry. */
export function unknownId(id: number): UnknownSchemaId {
  return new UnknownSchemaId(`the schema registry knows no schema with id ${id}`)
}

async function findId(call: RegistryCall, subject: string, schema: MessageSchema): Promise<number> {
  const path = `/subjects/${encodeURIComponent(subject)}`
  const answer = await call('POST', path, { schema: JSON.stringify(schema.avro) })
  if (answer.status === 404) throw notRegistered(subject, schema)
  const { id } = answer.body as { id?: unknown }
  if (typeof id !== 'number') throw answer.unexpected()
  return id
}

async function fetchSchema(call: RegistryCall, id: number, assemble: AssembleSchema): Promise<string> {
  const answer = await call('GET', `/schemas/ids/${id}`)
  if (answer.status !== 200) throw unknownId(id)
  const { schemaType, references } = answer.body as { schemaType?: unknown; references?: unknown }
  if (schemaType !== undefined && schemaType !== null && schemaType !== 'AVRO')
    throw new Undecodable(`schema id ${id} is ${schemaType}, not Avro`)
  if (Array.isArray(references) && references.length > 0) return assemble(id)
  return textOf(answer)
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
  const answer = await call('POST', path, { schema: JSON.stringify(schema.avro) })
  if (answer.status === 409)
    throw new SchemaIncompatible(`the registry refuses ${schema.name} for subject ${subject}: ${messageOf(answer)}`)
  const id = (answer.body as { id?: unknown }).id
  if (answer.status !== 200 || typeof id !== 'number') throw answer.unexpected()
  return id
}

/** `versions/latest`, as it is the form that Confluent, Redpanda and Apicurio all answer. */
async function askVerdict(
  call: RegistryCall,
  subject: string,
  schema: MessageSchema,
): Promise<{ compatible: boolean; messages: string[] }> {
  const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
  const answer = await call('POST', path, { schema: JSON.stringify(schema.avro) })
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
