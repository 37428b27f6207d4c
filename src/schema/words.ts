/** Types, values and paths in words, for error messages. */
import avro from 'avsc'

/** `int`, `long (bigint)`, `one of GBP, EUR`, `string or null`, `retail.OrderLine`. */
export function typeInWords(type: avro.Type): string {
  if (type instanceof avro.types.UnwrappedUnionType || type instanceof avro.types.WrappedUnionType)
    return unionInWords(type.types)
  if (type instanceof avro.types.EnumType) return `one of ${type.symbols.join(', ')}`
  if (type.typeName === 'abstract:long') return 'long (bigint)'
  if (type.typeName === 'long') return 'long (safe integer)'
  if (type.typeName === 'logical:timestamp-millis') return 'timestamp-millis (valid Date)'
  if (type.typeName === 'bytes') return 'bytes (Buffer)'
  if (type.typeName === 'float' || type.typeName === 'double') return `${type.typeName} (number)`
  return type.name ?? type.typeName.replace(/^logical:/, '')
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
