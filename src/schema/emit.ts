/** The model as TypeScript text. */
import type { LongAs } from '../message/schema.ts'
import { branchName, type FieldModel, isNull, type Model, type NamedModel, type RecordModel, type Shape } from './avsc-shape.ts'
import type { LogicalName } from './logical-types.ts'
import type { Primitive } from './primitives.ts'
import type { TypeNames } from './type-names.ts'

/** `In`: what may be published. `Out`: what a handler gets. */
type Side = 'In' | 'Out'

export interface Emitting {
  readonly model: Model
  readonly names: TypeNames
  readonly long: LongAs
}

/** The interfaces of a record, or the string literals of an enum; nothing for a fixed, which is written out where it stands. */
export function emitNamed(named: NamedModel, to: Emitting): string {
  if (named.kind === 'fixed') return ''
  const name = to.names.out(named.name)
  const doc = tsdoc(named.doc, '')
  if (named.kind === 'enum') return `${doc}export type ${name} = ${named.symbols.map(quoted).join(' | ')}\n`
  const input = emitInterface(to.names.in(named.name), named, to, 'In')
  return `${doc}${input}\n${doc}${emitInterface(name, named, to, 'Out')}`
}

/** `export const OrderPlaced = avroSchema<...>({...})`. */
export function emitSchema(fullName: string, avro: object, { names, long }: Emitting): string {
  const name = names.out(fullName)
  return [
    `export const ${name} = avroSchema<${quoted(fullName)}, ${names.in(fullName)}, ${name}>({`,
    `  name: ${quoted(fullName)},`,
    `  long: ${quoted(long)},`,
    `  avro: ${literal(avro, '  ', '  avro: '.length)},`,
    '})\n',
  ].join('\n')
}

function emitInterface(name: string, record: RecordModel, to: Emitting, side: Side): string {
  if (record.fields.length === 0) return `export type ${name} = Record<string, never>\n`
  const fields = record.fields.map(field => `${tsdoc(field.doc, '  ')}  ${emitField(field, to, side)}\n`)
  return `export interface ${name} {\n${fields.join('')}}\n`
}

function emitField(field: FieldModel, to: Emitting, side: Side): string {
  const type = typeText(field.shape, to, side)
  // `| undefined`, as the codec fills the default in for it too, also where exactOptionalPropertyTypes is on.
  return side === 'In' && field.hasDefault ? `${field.name}?: ${type} | undefined` : `${field.name}: ${type}`
}

function typeText(shape: Shape, to: Emitting, side: Side): string {
  switch (shape.kind) {
    case 'primitive':
      return shape.logical === undefined ? primitiveText(shape.name, to.long) : logicalText(shape.logical, to.long)
    case 'union':
      return unionText(shape.branches, to, side)
    case 'map':
      return `Record<string, ${typeText(shape.values, to, side)}>`
    case 'array': {
      const items = typeText(shape.items, to, side)
      // What is published is not changed, so a readonly array will do.
      return `${side === 'In' ? 'readonly ' : ''}${/[| ]/.test(items) ? `(${items})` : items}[]`
    }
    case 'named':
      return namedText(to.model.named.get(shape.name)!, to, side)
  }
}

function namedText(named: NamedModel, to: Emitting, side: Side): string {
  if (named.kind === 'fixed') return named.logical === undefined ? 'Buffer' : logicalText(named.logical, to.long)
  return named.kind === 'record' && side === 'In' ? to.names.in(named.name) : to.names.out(named.name)
}

/**
 * One type beside null is bare. Of several, each value is an object of one branch, `{ int: number; string?: never }`: without the other
 * names TypeScript would take an object that has both, and would not let anybody ask for the one that is not there.
 */
function unionText(branches: readonly Shape[], to: Emitting, side: Side): string {
  const others = branches.filter(branch => !isNull(branch))
  const names = others.map(branch => propertyName(branchName(branch)))
  const wrapped = others.map((branch, i) => {
    const properties = names.map((name, j) => (i === j ? `${name}: ${typeText(branch, to, side)}` : `${name}?: never`))
    return `{ ${properties.join('; ')} }`
  })
  const texts = others.length > 1 ? wrapped : others.map(branch => typeText(branch, to, side))
  return (others.length < branches.length ? [...texts, 'null'] : texts).join(' | ')
}

function logicalText(name: LogicalName, long: LongAs): string {
  switch (name) {
    case 'timestamp-millis':
      return 'Date'
    case 'timestamp-micros':
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return long
    case 'duration':
      return '{ months: number; days: number; milliseconds: number }'
    default:
      return 'string'
  }
}

function primitiveText(name: Primitive, long: LongAs): string {
  return name === 'long' ? long : PRIMITIVES[name]
}

const PRIMITIVES: Record<Exclude<Primitive, 'long'>, string> = {
  null: 'null',
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
