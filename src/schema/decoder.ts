/** Framed value -> payload, by the writer's schema and the reader that the service was built with. */
import type avro from 'avsc'
import { Undecodable } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { writerType } from './avro-type.ts'
import { typeOf } from './codec.ts'
import { resolutionProblems } from './compatibility.ts'
import type { SchemaRegistry } from './registry.ts'
import { FRAME_BYTES, readSchemaId } from './wire.ts'

export type Decoded =
  | {
      readonly kind: 'message'
      readonly schemaId: number /** Full name of the writer's record. */
      readonly type: string
      readonly payload: unknown
    }
  | { readonly kind: 'unhandled'; readonly schemaId: number; readonly type: string }

export interface DecodedAny {
  readonly schemaId: number
  readonly type: string
  readonly payload: unknown
}

export interface Decoder {
  /**
   * The value itself, not a promise, once the writer's schema is known. `unhandled` when no reader has the writer's name.
   * Throws or rejects with Undecodable, UnknownSchemaId or RegistryUnavailable, and nothing else.
   */
  decode(value: Buffer): Decoded | Promise<Decoded>
  /** Any type, by the writer's own schema, for people to read: longs as bigint. Rejects like `decode`. */
  decodeAny(value: Buffer): Promise<DecodedAny>
}

/** Throws Error when two readers have the same name, or one cannot be compiled: a mistake in the definitions. */
export function createDecoder(registry: Pick<SchemaRegistry, 'schemaById'>, readers: readonly MessageSchema[]): Decoder {
  const readersByName = new Map<string, MessageSchema>()
  for (const schema of readers) {
    const known = readersByName.get(schema.name)
    // Compiled here, so that one that cannot be is found at the start.
    const type = typeOf(schema)
    if (known !== undefined && typeOf(known) !== type) throw new Error(`two reader schemas are named ${schema.name}`)
    readersByName.set(schema.name, schema)
  }
  const plans = new Map<number, Plan>()

  /** Never called twice at once with effect: the registry joins look-ups of one id, and the later plan replaces an equal one. */
  async function planFor(schemaId: number): Promise<Plan> {
    const known = plans.get(schemaId)
    if (known !== undefined) return known
    const plan = makePlan(schemaId, await registry.schemaById(schemaId), readersByName)
    plans.set(schemaId, plan)
    return plan
  }

  return {
    decode(value) {
      const schemaId = readSchemaId(value)
      const plan = plans.get(schemaId)
      return plan === undefined ? planFor(schemaId).then(loaded => run(loaded, value)) : run(plan, value)
    },
    async decodeAny(value) {
      const { schemaId, type, writer } = await planFor(readSchemaId(value))
      if (writer === undefined) throw new Undecodable(`the schema of id ${schemaId} cannot be used`)
      return { schemaId, type, payload: read(writer, undefined, value, type, schemaId) }
    },
  }
}

/** What to do with the values of one writer schema, decided once. */
interface Plan {
  readonly schemaId: number
  readonly type: string
  /** Absent when the registered schema itself cannot be used. */
  readonly writer?: avro.Type
  readonly how:
    | { readonly kind: 'read'; readonly reader: avro.Type; readonly resolver: Resolver | undefined }
    | { readonly kind: 'unhandled' }
    | { readonly kind: 'refuse'; readonly reason: string; readonly cause?: unknown }
}

type Resolver = ReturnType<avro.Type['createResolver']>

function makePlan(schemaId: number, json: string, readers: ReadonlyMap<string, MessageSchema>): Plan {
  let writer: avro.Type
  try {
    writer = writerType(json)
  } catch (cause) {
    const reason = `the registered schema of id ${schemaId} cannot be used: ${messageOf(cause)}`
    return { schemaId, type: '', how: { kind: 'refuse', reason, cause } }
  }
  // A schema may be no record at all ("string"): then nothing handles it.
  const type = writer.name ?? writer.typeName
  const schema = readers.get(type)
  if (schema === undefined) return { schemaId, type, writer, how: { kind: 'unhandled' } }
  const reader = typeOf(schema)
  try {
    const resolver = reader.createResolver(writer)
    // Same canonical schema, same bytes: the reader reads them itself, which is faster than through a resolver.
    return { schemaId, type, writer, how: { kind: 'read', reader, resolver: reader.equals(writer) ? undefined : resolver } }
  } catch (cause) {
    const [first] = resolutionProblems(schema, json)
    const where = first === undefined ? messageOf(cause) : `${first.path === '' ? '' : `${first.path}: `}${first.refusal}`
    const reason = `${type} as written with schema id ${schemaId} cannot be read by this service's schema: ${where}`
    return { schemaId, type, writer, how: { kind: 'refuse', reason, cause } }
  }
}

function run(plan: Plan, value: Buffer): Decoded {
  const { schemaId, type, how } = plan
  switch (how.kind) {
    case 'read':
      return { kind: 'message', schemaId, type, payload: read(how.reader, how.resolver, value, type, schemaId) }
    case 'unhandled':
      return { kind: 'unhandled', schemaId, type }
    case 'refuse':
      throw new Undecodable(how.reason, { cause: how.cause })
  }
}

function read(type: avro.Type, resolver: Resolver | undefined, value: Buffer, name: string, schemaId: number): unknown {
  let result: { value: unknown; offset: number }
  try {
    result = type.decode(value, FRAME_BYTES, resolver)
  } catch (cause) {
    // Whatever bytes make avsc throw (RangeError, TypeError, a stack overflow) is the bytes' fault.
    throw new Undecodable(`not a ${name} (schema id ${schemaId}): ${messageOf(cause)}`, { cause })
  }
  // Also when a cursor ended as NaN: then no comparison holds.
  if (result.offset === value.length) return result.value
  const problem = result.offset > 0 ? `${value.length - result.offset} bytes are left over` : 'the bytes end too early'
  throw new Undecodable(`not a ${name} (schema id ${schemaId}): ${problem}`)
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
