/** Types, values and paths in words, for error messages. */
import avro from 'avsc'

/** `int`, `long (bigint)`, `one of GBP, EUR`, `string or null`, `retail.OrderLine`. */
export function typeInWords(type: avro.Type): string {
  if (type instanceof avro.types.UnwrappedUnionType) return unionInWords(type.types)
  if (type instanceof avro.types.WrappedUnionType) return wrappedInWords(type.types)
  if (type instanceof avro.types.EnumType) return `one of ${type.symbols.join(', ')}`
  if (type.typeName === 'abstract:long') return 'long (bigint)'
  if (type.typeName === 'long') return 'long (safe integer)'
  if (type.typeName === 'logical:timestamp-millis') return 'timestamp-millis (valid Date)'
  if (type.typeName === 'bytes') return 'bytes (Buffer)'
  if (type instanceof avro.types.FixedType) return `${type.name} (Buffer of ${type.size} bytes)`
  if (type.typeName.startsWith('logical:')) return logicalInWords(type)
  if (type.typeName === 'float' || type.typeName === 'double') return `${type.typeName} (number)`
  return type.name ?? type.typeName
}

function logicalInWords(type: avro.Type): string {
  const name = type.typeName.slice('logical:'.length)
  // Read by what it has: this file is at the bottom of the room.
  if (name === 'decimal') {
    const { precision, scale } = type as unknown as { precision: number; scale: number }
    return `decimal(${precision}, ${scale}) (string such as ${JSON.stringify(scale === 0 ? '12' : `12.${'5'.padEnd(scale, '0')}`)})`
  }
  return Object.hasOwn(FORMS, name) ? `${name} (${FORMS[name]})` : name
}

const FORMS: Readonly<Record<string, string>> = {
  uuid: 'string',
  date: 'string such as "2026-11-22"',
  'time-millis': 'string such as "09:30:00.000"',
  'time-micros': 'string such as "09:30:00.000000"',
  'local-timestamp-millis': 'string such as "2026-11-22T09:30:00.000"',
  'local-timestamp-micros': 'string such as "2026-11-22T09:30:00.000000"',
  duration: 'months, days and milliseconds, each 0 to 4294967295',
}

/** `"three" (string)`, `nothing`, `null`, `an array of 3`. Long values are cut at 60 characters. Never throws. */
export function valueInWords(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing'
    case 'string':
      return `${JSON.stringify(cut(value))} (string)`
    case 'object':
      return objectInWords(value)
    case 'function':
      return 'a function'
    default:
      return `${String(value)} (${typeof value})`
  }
}

/** Child of a dotted path. */
export function at(path: string, step: string | number): string {
  return path === '' ? String(step) : `${path}.${step}`
}

function unionInWords(types: readonly avro.Type[]): string {
  const names = types.filter(type => type.typeName !== 'null').map(typeInWords)
  return names.length < types.length ? [...names, 'null'].join(' or ') : names.join(' or ')
}

/** The names of the branches, as a value has them. */
function wrappedInWords(types: readonly avro.Type[]): string {
  const names = types.map(type => type.branchName ?? '').filter(name => name !== 'null')
  const wrapped = names.map(name => `{ ${/^\w+$/.test(name) ? name : `'${name}'`}: ... }`)
  return (names.length < types.length ? [...wrapped, 'null'] : wrapped).join(' or ')
}

function objectInWords(value: object | null): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `${value.toISOString()} (Date)`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  return 'an object'
}

function cut(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}
