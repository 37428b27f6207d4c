/** Payload -> one framed value, ready to be produced. */
import type avro from 'avsc'
import { PayloadInvalid } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { readerType } from './avro-type.ts'
import { FRAME_BYTES, writeSchemaId } from './wire.ts'
import { typeInWords, valueInWords } from './words.ts'

export interface Codec {
  readonly schema: MessageSchema
  /**
   * `schemaId` (0 to 2^32 - 1) and the payload in Confluent framing, in a buffer of its own.
   *
   * Fields with a default may be left out or undefined. Properties that the schema does not name are not written: TypeScript's
   * excess property check finds them, and a service may pass an object that knows more than the event says.
   * Throws PayloadInvalid when the payload does not fit.
   */
  encode(schemaId: number, payload: unknown): Buffer
  /** Throws PayloadInvalid when the payload does not fit. */
  check(payload: unknown): void
}

/** The codec of a schema, made at first use and kept with the schema object. Throws Error on a schema that avsc refuses. */
export function codecOf(schema: MessageSchema): Codec {
  let codec = codecs.get(schema)
  if (codec === undefined) {
    codec = createCodec(schema, typeOf(schema))
    codecs.set(schema, codec)
  }
  return codec
}

/** The avsc type of one of our schemas, made once per schema object. */
export function typeOf(schema: MessageSchema): avro.Type {
  let type = types.get(schema)
  if (type === undefined) {
    type = readerType(schema)
    types.set(schema, type)
  }
  return type
}

const codecs = new WeakMap<MessageSchema, Codec>()
const types = new WeakMap<MessageSchema, avro.Type>()

/** What one encoder keeps between calls; a larger payload gets a buffer for itself. */
const SCRATCH_KEPT = 1024 * 1024

// One for all codecs: encoding is synchronous and each result is copied out at once.
let scratch: Buffer = Buffer.allocUnsafeSlow(16 * 1024)

function createCodec(schema: MessageSchema, type: avro.Type): Codec {
  return {
    schema,
    encode(schemaId, payload) {
      let buffer = scratch
      let end = write(type, payload, buffer, schema)
      if (end < 0) {
        buffer = larger(buffer.length - end)
        end = write(type, payload, buffer, schema)
      }
      writeSchemaId(buffer, schemaId)
      const value = Buffer.allocUnsafe(end)
      buffer.copy(value, 0, 0, end)
      return value
    },
    check(payload) {
      const misfit = findMisfit(type, payload)
      if (misfit !== undefined) throw payloadInvalid(schema, misfit)
    },
  }
}

/** Where the value ends, or minus the number of bytes that are missing. */
function write(type: avro.Type, payload: unknown, buffer: Buffer, schema: MessageSchema): number {
  try {
    return type.encode(payload, buffer, FRAME_BYTES)
  } catch (cause) {
    throw payloadInvalid(schema, findMisfit(type, payload) ?? { path: '', reason: reasonOf(cause), more: 0 }, cause)
  }
}

function larger(needed: number): Buffer {
  if (needed > SCRATCH_KEPT) return Buffer.allocUnsafeSlow(needed)
  scratch = Buffer.allocUnsafeSlow(Math.min(SCRATCH_KEPT, 2 ** Math.ceil(Math.log2(needed))))
  return scratch
}

interface Misfit {
  path: string
  reason: string
  /** How many others there are. */
  more: number
}

/** Only run after a failure: a check with paths costs several times an encode. */
function findMisfit(type: avro.Type, payload: unknown): Misfit | undefined {
  let first: { path: string; reason: string } | undefined
  let count = 0
  try {
    type.isValid(payload, {
      errorHook: (path, value, expected) => {
        count += 1
        first ??= { path: path.join('.'), reason: `expected ${typeInWords(expected)}, got ${valueInWords(value)}` }
      },
    })
  } catch (cause) {
    // A getter that throws, a cycle deeper than the stack.
    first ??= { path: '', reason: reasonOf(cause) }
  }
  return first && { ...first, more: Math.max(0, count - 1) }
}

function payloadInvalid(schema: MessageSchema, misfit: Misfit, cause?: unknown): PayloadInvalid {
  const where = misfit.path === '' ? '' : `${misfit.path}: `
  const more = misfit.more === 0 ? '' : ` (and ${misfit.more} more)`
  return new PayloadInvalid(`${where}${misfit.reason}${more} · schema ${schema.name}`, misfit.path, { cause })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'the payload cannot be read'
}
