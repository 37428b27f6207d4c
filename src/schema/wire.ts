/** Confluent framing of a record value: 0x00, the schema id as 4 bytes big-endian, then the Avro body. */
import { Undecodable } from '../errors.ts'

/** Bytes before the Avro body. */
export const FRAME_BYTES = 5

const MAGIC = 0

/** The id of the schema that a value was written with, 0 to 2^32 - 1. Throws Undecodable when the value is not framed. */
export function readSchemaId(value: Buffer): number {
  if (value.length === 0) throw new Undecodable('the value is empty: it has no schema id')
  if (value[0] !== MAGIC)
    throw new Undecodable(`the value starts with ${hex(value[0]!)}, not with 0x00: it is not Avro in Confluent framing`)
  if (value.length < FRAME_BYTES) {
    throw new Undecodable(`the value ends after ${bytes(value.length)}: its schema id needs ${FRAME_BYTES}`)
  }
  // Unsigned: clients that read it as signed make ids from 2^31 on negative.
  return value.readUInt32BE(1)
}

/** Writes the frame's head into the first five bytes of `target`. */
export function writeSchemaId(target: Buffer, schemaId: number): void {
  target[0] = MAGIC
  target.writeUInt32BE(schemaId, 1)
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}
