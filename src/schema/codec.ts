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
   * `schemaId` (0 to 2^32 - 1) and the payload in Confluent framing. Its bytes are nobody else's; small ones share a piece of memory.
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

/** Small values are written one behind the other into pieces of memory, as those of Buffer.allocUnsafe lie in one: nothing is copied. */
const PIECE = 32 * 1024
/** Larger values have memory of their own, so that little of a piece is lost. */
const LARGE = PIECE / 4

// One for all codecs.
let piece: Buffer = Buffer.allocUnsafeSlow(PIECE)
let used = 0

function createCodec(schema: MessageSchema, type: avro.Type): Codec {
  return {
    schema,
    encode(schemaId, payload) {
      const [into, from] = [piece, used]
      // A getter of the payload may encode as well: that goes elsewhere. A payload that does not fit costs the rest of the piece.
      used = PIECE
      const end = write(type, payload, into, from, schema)
      if (piece === into) used = end > 0 ? end : from
      return end > 0 ? framed(into, from, end, schemaId) : inRoomFor(into.length - end - from, type, payload, schema, schemaId)
    },
    check(payload) {
      const misfit = findMisfit(type, payload)
      if (misfit !== undefined) throw payloadInvalid(schema, misfit)
    },
  }
}

function inRoomFor(bytes: number, type: avro.Type, payload: unknown, schema: MessageSchema, schemaId: number): Buffer {
  const into = Buffer.allocUnsafeSlow(bytes > LARGE ? bytes : PIECE)
  const end = write(type, payload, into, 0, schema)
  if (end < 0) throw payloadInvalid(schema, { path: '', reason: 'the payload changes while it is read', more: 0 })
  if (into.length === PIECE) {
    piece = into
    used = end
  }
  return framed(into, 0, end, schemaId)
}

/** Where the value ends, or minus the number of bytes that are missing. */
function write(type: avro.Type, payload: unknown, into: Buffer, from: number, schema: MessageSchema): number {
  try {
    return type.encode(payload, into, from + FRAME_BYTES)
  } catch (cause) {
    throw payloadInvalid(schema, findMisfit(type, payload) ?? { path: '', reason: reasonOf(cause), more: 0 }, cause)
  }
}

function framed(into: Buffer, from: number, end: number, schemaId: number): Buffer {
  writeSchemaId(into, from, schemaId)
  return into.subarray(from, end)
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
