/** Payloads as JSON, for people: what `dlq show` prints and what `spillway publish` reads. */
import avro from 'avsc'
import { PayloadInvalid } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { codecOf, typeOf } from './codec.ts'
import { LongOfUnit } from './logical.ts'
import { at, typeInWords, valueInWords } from './words.ts'

/**
 * A value that JSON.stringify takes whole: bigint as decimal string, Date as ISO 8601, bytes as base64, NaN and the infinities as
 * strings. `fromJson` reads it back.
 */
export function toJson(payload: unknown): unknown {
  if (typeof payload === 'bigint') return payload.toString()
  if (typeof payload === 'number') return Number.isFinite(payload) ? payload : String(payload)
  if (typeof payload !== 'object' || payload === null) return payload
  if (payload instanceof Date) return Number.isNaN(payload.getTime()) ? null : payload.toISOString()
  if (payload instanceof Uint8Array) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64')
  if (Array.isArray(payload)) return payload.map(toJson)
  // fromEntries defines properties: a map key __proto__ stays data.
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, toJson(value)]))
}

/**
 * Parsed JSON -> a payload that fits the schema. timestamp-millis: ISO 8601 with a zone, or epoch milliseconds. Longs, and the timestamps
 * that are longs: integer or decimal string (beyond 2^53 - 1 only as string). Bytes and fixed: base64. Unions of several types: an object
 * with the branch, `{"int": 3}`. All else as in code. Unlike publishing from code, unknown fields are refused: nothing else
 * would catch a typo here. Throws PayloadInvalid with the path.
 */
export function fromJson(schema: MessageSchema, json: unknown): unknown {
  const payload = convert(typeOf(schema), json, '', schema)
  codecOf(schema).check(payload)
  return payload
}

function convert(type: avro.Type, json: unknown, path: string, schema: MessageSchema): unknown {
  const { ArrayType, MapType, RecordType, UnwrappedUnionType, WrappedUnionType } = avro.types
  if (type instanceof UnwrappedUnionType) {
    const other = type.types.find(branch => branch.typeName !== 'null')
    // Where null is no branch, the check of the whole finds it.
    return json === null || other === undefined ? json : convert(other, json, path, schema)
  }
  if (type instanceof WrappedUnionType) return convertWrapped(type, json, path, schema)
  if (type instanceof RecordType) return convertRecord(type, json, path, schema)
  if (type instanceof ArrayType) {
    if (!Array.isArray(json)) throw misfit(type, json, path, schema)
    return json.map((item, index) => convert(type.itemsType, item, at(path, index), schema))
  }
  if (type instanceof MapType) {
    const entries = Object.entries(objectOrThrow(type, json, path, schema))
    return Object.fromEntries(entries.map(([key, value]) => [key, convert(type.valuesType, value, at(path, key), schema)]))
  }
  const value = scalar(type, json)
  if (value === undefined) throw misfit(type, json, path, schema)
  return value
}

function convertWrapped(type: avro.types.WrappedUnionType, json: unknown, path: string, schema: MessageSchema): unknown {
  if (json === null) return null
  const entries = typeof json === 'object' ? Object.entries(json) : []
  const branch = type.types.find(candidate => candidate.branchName === entries[0]?.[0] && candidate.typeName !== 'null')
  if (entries.length !== 1 || branch === undefined) throw misfit(type, json, path, schema)
  const [name, inner] = entries[0]!
  return Object.fromEntries([[name, convert(branch, inner, at(path, name), schema)]])
}

function convertRecord(type: avro.types.RecordType, json: unknown, path: string, schema: MessageSchema): unknown {
  const object = objectOrThrow(type, json, path, schema)
  const unknown = Object.keys(object).find(key => !type.fields.some(field => field.name === key))
  if (unknown !== undefined) {
    const fields = type.fields.map(field => field.name).join(', ')
    throw invalid(at(path, unknown), `is no field of ${type.name} (${fields})`, schema)
  }
  const given = type.fields.filter(field => Object.hasOwn(object, field.name))
  const missing = type.fields.find(field => !given.includes(field) && field.defaultValue() === undefined)
  if (missing !== undefined) throw misfit(missing.type, undefined, at(path, missing.name), schema)
  return Object.fromEntries(
    given.map(field => [field.name, convert(field.type, object[field.name], at(path, field.name), schema)]),
  )
}

/** undefined: does not fit. Ranges, symbols and the forms of text are the codec's to check. */
function scalar(type: avro.Type, json: unknown): unknown {
  if (type instanceof LongOfUnit) return scalar(type.underlyingType, json)
  switch (type.typeName) {
    case 'logical:timestamp-millis':
      return timestamp(json)
    case 'abstract:long':
      return integer(json)
    case 'long':
      return typeof json === 'string' ? safeNumber(integer(json)) : json
    case 'float':
    case 'double':
      return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : json
    case 'bytes':
    case 'fixed':
      return bytes(json)
    default:
      return json
  }
}

function timestamp(json: unknown): Date | undefined {
  if (typeof json !== 'number' && !(typeof json === 'string' && ISO_WITH_ZONE.test(json))) return undefined
  const date = new Date(json)
  return Number.isNaN(date.getTime()) || (typeof json === 'number' && !Number.isInteger(json)) ? undefined : date
}

// Date.parse alone takes much more, and reads a time without a zone in the zone of the machine.
const ISO_WITH_ZONE = /^([+-]\d{6}|\d{4})-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/

function integer(json: unknown): bigint | undefined {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : undefined
  return typeof json === 'string' && /^-?\d{1,19}$/.test(json) ? BigInt(json) : undefined
}

function safeNumber(value: bigint | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(Number(value)) ? Number(value) : undefined
}

function bytes(json: unknown): Buffer | undefined {
  if (typeof json !== 'string') return undefined
  const decoded = Buffer.from(json, 'base64')
  // Buffer.from skips what is not base64; only what comes back the same was.
  return decoded.toString('base64') === json ? decoded : undefined
}

function objectOrThrow(type: avro.Type, json: unknown, path: string, schema: MessageSchema): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw misfit(type, json, path, schema)
  return json as Record<string, unknown>
}

function misfit(type: avro.Type, json: unknown, path: string, schema: MessageSchema): PayloadInvalid {
  return invalid(path, `expected ${hint(type)}, got ${valueInWords(json)}`, schema)
}

function hint(type: avro.Type): string {
  if (type.typeName === 'logical:timestamp-millis') return 'timestamp (ISO 8601 with a zone, or epoch milliseconds)'
  if (type.typeName === 'bytes') return 'bytes (base64)'
  return type instanceof avro.types.FixedType ? `${type.name} (${type.size} bytes in base64)` : typeInWords(type)
}

function invalid(path: string, reason: string, schema: MessageSchema): PayloadInvalid {
  return new PayloadInvalid(`${path === '' ? '' : `${path}: `}${reason} · schema ${schema.name}`, path)
}
