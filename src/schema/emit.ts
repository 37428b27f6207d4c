/** The model as TypeScript text. */
import type { LongAs } from '../message/schema.ts'
import { simpleName } from './avsc-model.ts'
import type { FieldModel, Model, NamedModel, Primitive, RecordModel, Shape } from './avsc-shape.ts'

/** `In`: what may be published. `Out`: what a handler gets. */
type Side = 'In' | 'Out'

/** The interfaces of a record, or the string literals of an enum. */
export function emitNamed(named: NamedModel, model: Model, long: LongAs): string {
  const name = simpleName(named.name)
  const doc = tsdoc(named.doc, '')
  if (named.kind === 'enum') return `${doc}export type ${name} = ${named.symbols.map(quoted).join(' | ')}\n`
  return `${doc}${emitInterface(`${name}In`, named, model, long, 'In')}\n${doc}${emitInterface(name, named, model, long, 'Out')}`
}

/** `export const OrderPlaced = avroSchema<...>({...})`. */
export function emitSchema(fullName: string, avro: object, long: LongAs): string {
  const name = simpleName(fullName)
  return [
    `export const ${name} = avroSchema<${quoted(fullName)}, ${name}In, ${name}>({`,
    `  name: ${quoted(fullName)},`,
    `  long: ${quoted(long)},`,
    `  avro: ${literal(avro, '  ', '  avro: '.length)},`,
    '})\n',
  ].join('\n')
}

function emitInterface(name: string, record: RecordModel, model: Model, long: LongAs, side: Side): string {
  if (record.fields.length === 0) return `export type ${name} = Record<string, never>\n`
  const fields = record.fields.map(field => `${tsdoc(field.doc, '  ')}  ${emitField(field, model, long, side)}\n`)
  return `export interface ${name} {\n${fields.join('')}}\n`
}

function emitField(field: FieldModel, model: Model, long: LongAs, side: Side): string {
  const type = typeText(field.shape, model, long, side)
  // `| undefined`, as the codec fills the default in for it too, also where exactOptionalPropertyTypes is on.
  return side === 'In' && field.hasDefault ? `${field.name}?: ${type} | undefined` : `${field.name}: ${type}`
}

function typeText(shape: Shape, model: Model, long: LongAs, side: Side): string {
  switch (shape.kind) {
    case 'primitive':
      return shape.name === 'long' ? long : PRIMITIVES[shape.name]
    case 'timestamp':
      return 'Date'
    case 'nullable':
      return `${typeText(shape.of, model, long, side)} | null`
    case 'map':
      return `Record<string, ${typeText(shape.values, model, long, side)}>`
    case 'array': {
      const items = typeText(shape.items, model, long, side)
      // What is published is not changed, so a readonly array will do.
      return `${side === 'In' ? 'readonly ' : ''}${/[| ]/.test(items) ? `(${items})` : items}[]`
    }
    case 'named': {
      const named = model.named.get(shape.name)!
      return `${simpleName(shape.name)}${named.kind === 'record' && side === 'In' ? 'In' : ''}`
    }
  }
}

const PRIMITIVES: Record<Exclude<Primitive, 'long'>, string> = {
  boolean: 'boolean',
  int: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
}

/** Text after a doc that ends a comment would be code. */
function tsdoc(doc: string | undefined, indent: string): string {
  if (doc === undefined || doc.trim() === '') return ''
  const lines = doc.trim().replaceAll('*/', '*\\/').split(/\r?\n/)
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map(line => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}

const WIDTH = 130

/** A JSON value as a literal, on one line where it fits. `column`: where it begins. */
function literal(json: unknown, indent: string, column: number): string {
  const flat = flatLiteral(json)
  if (column + flat.length + 1 <= WIDTH || typeof json !== 'object' || json === null) return flat
  const inner = `${indent}  `
  if (Array.isArray(json)) return `[\n${json.map(item => `${inner}${literal(item, inner, inner.length)},\n`).join('')}${indent}]`
  const lines = Object.entries(json).map(([key, value]) => {
    const head = `${inner}${propertyName(key)}: `
    return `${head}${literal(value, inner, head.length)},\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

function flatLiteral(json: unknown): string {
  if (typeof json === 'string') return quoted(json)
  if (typeof json !== 'object' || json === null) return Object.is(json, -0) ? '-0' : JSON.stringify(json)
  if (Array.isArray(json)) return `[${json.map(flatLiteral).join(', ')}]`
  const entries = Object.entries(json).map(([key, value]) => `${propertyName(key)}: ${flatLiteral(value)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

function propertyName(key: string): string {
  // Plain or quoted, __proto__ in a literal would set the prototype.
  if (key === '__proto__') return `['__proto__']`
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key) ? key : quoted(key)
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
