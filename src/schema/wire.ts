/** Confluent framing of a record value: 0x00, the schema id as 4 bytes big-endian, then the Avro body. */
import { Undecodable } from '../errors.ts'
import type { Headers } from '../message/headers.ts'

/** Bytes before the Avro body. */
export const FRAME_BYTES = 5

const MAGIC = 0
/** Of the framing with a GUID, 16 bytes, in place of the id (confluent-kafka 2.16.0, schema_registry/common/serde.py). */
const GUID_MAGIC = 1
const GUID_FRAME_BYTES = 17
const GUID_HEADER = '__value_schema_id'
const PREFIX_IDS =
  "have its producer write schema ids in front of the value (Confluent's clients: schema.id.serializer, set to the prefix serializer)"

/** Whether it fits into a frame. */
export function isSchemaId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 32
}

/** The id of the schema that a value was written with, 0 to 2^32 - 1. Throws Undecodable when the value is not framed. */
export function readSchemaId(value: Buffer): number {
  if (value.length === 0) throw new Undecodable('the value is empty: it has no schema id')
  if (value[0] === GUID_MAGIC && value.length >= GUID_FRAME_BYTES)
    throw new Undecodable(
      `the value starts with 0x01: its schema is named by a GUID, or it is not Avro at all. If it is one, ${PREFIX_IDS}`,
    )
  if (value[0] !== MAGIC)
    throw new Undecodable(`the value starts with ${hex(value[0]!)}, not with 0x00: it is not Avro in Confluent framing`)
  if (value.length < FRAME_BYTES) {
    throw new Undecodable(`the value ends after ${bytes(value.length)}: its schema id needs ${FRAME_BYTES}`)
  }
  // Unsigned: clients that read it as signed make ids from 2^31 on negative.
  return value.readUInt32BE(1)
}

/** The same, and undefined when the value is not framed. */
export function schemaIdIn(value: Buffer): number | undefined {
  try {
    return readSchemaId(value)
  } catch {
    return undefined
  }
}

/**
 * What is wrong with a value that was framed in a header, as Confluent's serializers do when told to: a GUID there, and nothing in front of
 * the value. Undefined when there is no such header. For values that could not be read: it costs a walk over the headers.
 */
export function framedInHeader(headers: Headers): Undecodable | undefined {
  if (!headers.some(([name]) => name === GUID_HEADER)) return undefined
  return new Undecodable(
    `the schema of the value is named by a GUID in the header ${GUID_HEADER}, which is not read here: ${PREFIX_IDS}`,
  )
}

/** Writes the head of a frame, five bytes. The id is one by `isSchemaId`. */
export function writeSchemaId(target: Buffer, at: number, schemaId: number): void {
  target[at] = MAGIC
  // By hand: `writeUInt32BE` checks what is known already, and small values feel it.
  target[at + 1] = schemaId >>> 24
  target[at + 2] = schemaId >>> 16
  target[at + 3] = schemaId >>> 8
  target[at + 4] = schemaId
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}
