/** Framed value -> payload, by the writer's schema and the reader that the service was built with. */
import type avro from 'avsc'
import { messageOf, Undecodable } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { typeOf } from './codec.ts'
import type { SchemaRegistry } from './registry.ts'
import { type Refusal, resolutionsOf, type Writer } from './resolutions.ts'
import type { Resolver } from './resolve.ts'
import { FRAME_BYTES, readSchemaId, schemaIdIn } from './wire.ts'

export type Decoded =
  | {
      readonly kind: 'message'
      readonly schemaId: number
      /** Full name of the writer's record; the reader's, where that has the writer's as an alias. */
      readonly type: string
      readonly payload: unknown
    }
  | { readonly kind: 'unhandled'; readonly schemaId: number; readonly type: string }

export interface DecodedAny {
  readonly schemaId: number
  readonly type: string
  readonly payload: unknown
}

/** A schema with which nothing that is written can be read here. */
export interface Unreadable {
  readonly schemaId: number
  /** '' when the registered schema itself cannot be used. */
  readonly type: string
  /** With the first field that is in the way. */
  readonly reason: string
}

export interface Decoder {
  /**
   * The value itself, not a promise, once the writer's schema is known. `unhandled` when no reader has the writer's name.
   * Throws or rejects with Undecodable, UnknownSchemaId or RegistryUnavailable, and nothing else.
   */
  decode(value: Buffer): Decoded | Promise<Decoded>
  /** Undefined when `decode` needs nothing from the registry. Settles when it has been asked, rejecting like `decode`. */
  preparing(value: Buffer): Promise<unknown> | undefined
  /** Any type, by the writer's own schema, for people to read: longs as bigint. Rejects like `decode`. */
  decodeAny(value: Buffer): Promise<DecodedAny>
}

/**
 * `onUnreadable` is told once of each schema. Throws Error when two readers have the same name, or one cannot be compiled: a mistake in
 * the definitions.
 */
export function createDecoder(
  registry: Pick<SchemaRegistry, 'schemaById'>,
  readers: readonly MessageSchema[],
  onUnreadable: (unreadable: Unreadable) => void = () => {},
): Decoder {
  const resolutions = resolutionsOf(registry)
  const readerOf = readersByName(readers)
  const plans = new Map<number, Plan>()
  const planning = new Map<number, Promise<Plan>>()

  function planFor(schemaId: number): Promise<Plan> {
    const running = planning.get(schemaId)
    if (running !== undefined) return running
    const plan = resolutions
      .writer(schemaId)
      .then(writer => {
        const made = planOf(writer)
        plans.set(schemaId, made)
        if (made.how.kind === 'refused') onUnreadable({ schemaId, type: made.type, reason: made.how.reason })
        return made
      })
      .finally(() => planning.delete(schemaId))
    planning.set(schemaId, plan)
    return plan
  }

  function planOf(writer: Writer): Plan {
    const { schemaId } = writer
    if (writer.kind === 'refused') return { schemaId, type: '', how: writer }
    const reader = readerOf.get(writer.name)
    if (reader === undefined) return { schemaId, type: writer.name, how: { kind: 'unhandled' } }
    return { schemaId, type: reader.name, how: resolutions.resolution(writer, reader) }
  }

  return {
    decode(value) {
      const schemaId = readSchemaId(value)
      const plan = plans.get(schemaId)
      return plan === undefined ? planFor(schemaId).then(loaded => run(loaded, value)) : run(plan, value)
    },
    preparing(value) {
      // What is not framed `decode` refuses.
      const schemaId = schemaIdIn(value)
      return schemaId === undefined || plans.has(schemaId) ? undefined : planFor(schemaId)
    },
    async decodeAny(value) {
      const writer = await resolutions.writer(readSchemaId(value))
      if (writer.kind === 'refused') throw new Undecodable(writer.reason, { cause: writer.cause })
      const { schemaId, name, type } = writer
      return { schemaId, type: name, payload: read(type, undefined, value, name, schemaId) }
    },
  }
}

/**
 * By their names, and by the aliases that are no reader's name: what was written before a record was renamed. Throws Error when two have the
 * same name.
 */
export function readersByName(readers: readonly MessageSchema[]): ReadonlyMap<string, MessageSchema> {
  const byName = new Map<string, MessageSchema>()
  const add = (name: string, reader: MessageSchema): void => {
    const known = byName.get(name)
    if (known !== undefined && typeOf(known) !== typeOf(reader)) throw new Error(`two reader schemas are named ${name}`)
    byName.set(name, reader)
  }
  for (const reader of readers) add(reader.name, reader)
  const names = new Set(byName.keys())
  for (const reader of readers) for (const alias of typeOf(reader).aliases ?? []) if (!names.has(alias)) add(alias, reader)
  return byName
}

/** What to do with the values of one writer schema, decided once. */
interface Plan {
  readonly schemaId: number
  readonly type: string
  readonly how:
    | { readonly kind: 'readable'; readonly reader: avro.Type; readonly resolver: Resolver | undefined }
    | { readonly kind: 'unhandled' }
    | Refusal
}

function run(plan: Plan, value: Buffer): Decoded {
  const { schemaId, type, how } = plan
  switch (how.kind) {
    case 'readable':
      return { kind: 'message', schemaId, type, payload: read(how.reader, how.resolver, value, type, schemaId) }
    case 'unhandled':
      return { kind: 'unhandled', schemaId, type }
    case 'refused':
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
