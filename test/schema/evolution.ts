/** Random pairs of a writer's and a reader's schema, one evolved from the other by legal steps, with values as both know them. */
import fc, { type GeneratorValue } from 'fast-check'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { drawn, type Pair } from './arbitrary.ts'

export interface Evolved {
  readonly writer: MessageSchema
  readonly reader: MessageSchema
  /** What the writer was given, and what the reader must get. */
  readonly pair: fc.Arbitrary<Pair>
}

interface Step {
  readonly writer: unknown
  readonly reader: unknown
  /** In a union: of the writer's, and of the reader's. */
  readonly branches: readonly [string, string]
  value(g: GeneratorValue): Pair
}

export function evolved(): fc.Arbitrary<Evolved> {
  return drawn(g => {
    const root = new Steps(g).record(2, 'test.Root', 'test.Root')
    const schema = (avro: unknown) => avroSchema({ name: 'test.Root', long: 'bigint', avro: avro as object })
    return { writer: schema(root.writer), reader: schema(root.reader), pair: drawn(inner => root.value(inner)) }
  })
}

interface Field {
  readonly written?: { readonly name: string; readonly type: unknown }
  readonly read?: { readonly name: string }
  value(g: GeneratorValue): Pair
}

class Steps {
  private readonly g: GeneratorValue
  private names = 0

  constructor(g: GeneratorValue) {
    this.g = g
  }

  record(depth: number, written: string, read: string): Step {
    const kept = { name: 'kept', type: 'boolean' }
    const fields: Field[] = Array.from({ length: this.upTo(5) }, (_, i) => this.field(`f${i}`, depth))
    fields.push({ written: kept, read: kept, value: g => same(g(fc.boolean)) })
    const side = (name: string, key: 'written' | 'read', more: object = {}) => {
      const own = fields.map(field => field[key]).filter(field => field !== undefined)
      return { type: 'record', name, ...more, fields: this.g(fc.shuffledSubarray, own, { minLength: own.length }) }
    }
    return {
      writer: side(written, 'written'),
      reader: side(read, 'read', written === read ? {} : { aliases: ['other.Once', written] }),
      branches: [written, read],
      value: g => {
        const pairs = fields.map(field => ({ field, pair: field.value(g) }))
        const entries = (key: 'written' | 'read', of: 'given' | 'expected') =>
          Object.fromEntries(pairs.filter(({ field }) => field[key]).map(({ field, pair }) => [field[key]!.name, pair[of]]))
        return { given: entries('written', 'given'), expected: entries('read', 'expected') }
      },
    }
  }

  private field(name: string, depth: number): Field {
    const { writer, reader, value } = this.type(depth)
    const written = { name, type: writer }
    switch (this.upTo(6)) {
      case 0:
        return { written, value }
      case 1: {
        const [type, json, filled] = this.g(fc.constantFrom, ...ADDED, this.addedRecord())
        return { read: { name, type, default: json } as { name: string }, value: () => ({ given: undefined, expected: filled }) }
      }
      case 2:
        return { written, read: { name: `${name}Now`, type: reader, aliases: ['neverSeen', name] } as { name: string }, value }
      default:
        return { written, read: { name, type: reader } as { name: string }, value }
    }
  }

  private type(depth: number): Step {
    const kind = depth <= 0 ? this.upTo(3) : this.upTo(10)
    if (kind === 3) return this.container('array', depth)
    if (kind === 4) return this.container('map', depth)
    if (kind === 5) return this.record(depth - 1, this.name(), this.name())
    if (kind === 6) return this.nullable(depth)
    if (kind === 7 || kind === 8) return this.union()
    if (kind === 9) return this.intoUnion()
    if (kind === 2) return this.named()
    return this.g(fc.constantFrom, ...PROMOTED)
  }

  private container(type: 'array' | 'map', depth: number): Step {
    const { writer, reader, value } = this.type(depth - 1)
    const key = type === 'array' ? 'items' : 'values'
    return {
      writer: { type, [key]: writer },
      reader: { type, [key]: reader },
      branches: [type, type],
      value: g => {
        const pairs = Array.from({ length: g(fc.nat, 3) }, (_, i) => [i === 0 ? '__proto__' : `k${i}`, value(g)] as const)
        const side = (of: 'given' | 'expected') =>
          type === 'array' ? pairs.map(([, pair]) => pair[of]) : Object.fromEntries(pairs.map(([name, pair]) => [name, pair[of]]))
        return { given: side('given'), expected: side('expected') }
      },
    }
  }

  /** Was nullable, or is it now. */
  private nullable(depth: number): Step {
    const { writer, reader, branches, value } = this.type(depth - 1)
    if (Array.isArray(reader) || Array.isArray(writer)) return { writer, reader, branches, value }
    const was = this.upTo(2) === 0
    return {
      writer: was ? ['null', writer] : writer,
      reader: this.upTo(2) === 0 ? ['null', reader] : [reader, 'null'],
      branches: ['', ''],
      value: g => (was && g(fc.boolean) ? { given: null, expected: null } : value(g)),
    }
  }

  /** Of several, in another order now, one more, and each perhaps wider. */
  private union(): Step {
    const steps = [this.named(), this.record(0, this.name(), this.name()), this.g(fc.constantFrom, ...IN_UNIONS), NULL]
    const chosen = this.g(fc.shuffledSubarray, steps, { minLength: 3 })
    const reader = this.g(fc.shuffledSubarray, [...chosen.map(step => step.reader), 'boolean'], { minLength: chosen.length + 1 })
    return {
      writer: chosen.map(step => step.writer),
      reader,
      branches: ['', ''],
      value: g => {
        const step = g(fc.constantFrom, ...chosen)
        const { given, expected } = step.value(g)
        const [written, read] = step.branches
        return step === NULL ? { given, expected } : { given: { [written]: given }, expected: { [read]: expected } }
      },
    }
  }

  /** One type, that is one of several now: the branch of its own kind where there is one, before one that it can be promoted to. */
  private intoUnion(): Step {
    const [writer, reader, branch] = this.g(fc.constantFrom, ...INTO)
    const values = fc.integer({ min: -1000, max: 1000 })
    const value = (g: GeneratorValue) => {
      const n = g(() => values)
      return { given: writer === 'long' ? BigInt(n) : n, expected: { [branch]: branch === 'long' ? BigInt(n) : n } }
    }
    return { writer, reader, branches: ['', ''], value }
  }

  /** An enum that has lost a symbol, or a fixed, under another name. */
  private named(): Step {
    const [was, is] = [this.name(), this.name()]
    if (this.upTo(2) === 0) {
      const fixed = (name: string) => ({ type: 'fixed', name, size: 3 })
      const value = (g: GeneratorValue) => same(Buffer.from(g(fc.uint8Array, { minLength: 3, maxLength: 3 })))
      return { writer: fixed(was), reader: { ...fixed(is), aliases: [was] }, branches: [was, is], value }
    }
    return {
      writer: { type: 'enum', name: was, symbols: ['A', 'B', 'GONE', 'LAST'] },
      reader: { type: 'enum', name: is, aliases: [was], symbols: ['B', 'NEW', 'A', 'OTHER'], default: 'OTHER' },
      branches: [was, is],
      value: g => {
        const given = g(fc.constantFrom, 'A', 'B', 'GONE', 'LAST')
        return { given, expected: given === 'A' || given === 'B' ? given : 'OTHER' }
      },
    }
  }

  private addedRecord(): readonly [unknown, unknown, unknown] {
    const fields = [{ name: 'b', type: 'bytes', default: '\u00ff' }]
    return [{ type: 'record', name: this.name(), fields }, {}, { b: Buffer.from([255]) }]
  }

  private name(): string {
    return `test.Named${++this.names}`
  }

  private upTo(below: number): number {
    return this.g(fc.nat, below - 1)
  }
}

function same(value: unknown): Pair {
  return { given: value, expected: value }
}

function step<T>(
  writer: unknown,
  reader: unknown,
  branches: [string, string],
  values: fc.Arbitrary<T>,
  read: (value: T) => unknown,
): Step {
  return {
    writer,
    reader,
    branches,
    value: g => {
      const given = g(() => values)
      return { given, expected: read(given) }
    },
  }
}

const INT = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const LONG = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const MILLIS = fc.integer({ min: -(10 ** 12), max: 10 ** 13 })
const timestamp = { type: 'long', logicalType: 'timestamp-millis' }
const date = { type: 'int', logicalType: 'date' }
const decimal = (precision: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale: 2 })

const PROMOTED: readonly Step[] = [
  step('int', 'long', ['int', 'long'], INT, BigInt),
  step('int', 'float', ['int', 'float'], INT, Math.fround),
  step('int', 'double', ['int', 'double'], INT, n => n),
  step('long', 'float', ['long', 'float'], LONG, n => Math.fround(Number(n))),
  step('long', 'double', ['long', 'double'], LONG, Number),
  step('float', 'double', ['float', 'double'], fc.float(), n => n),
  step('string', 'bytes', ['string', 'bytes'], fc.string({ unit: 'grapheme' }), text => Buffer.from(text)),
  step(
    'bytes',
    'string',
    ['bytes', 'string'],
    fc.string().map(text => Buffer.from(text)),
    String,
  ),
  step('long', timestamp, ['long', 'long'], MILLIS.map(BigInt), n => new Date(Number(n))),
  step(
    timestamp,
    'long',
    ['long', 'long'],
    MILLIS.map(n => new Date(n)),
    at => BigInt(at.getTime()),
  ),
  step('int', timestamp, ['int', 'long'], INT, n => new Date(n)),
  step(date, 'long', ['int', 'long'], fc.constant('1970-02-01'), () => 31n),
  step('int', date, ['int', 'int'], fc.constant(31), () => '1970-02-01'),
  step(decimal(5), decimal(9), ['bytes', 'bytes'], fc.constantFrom('999.99', '-0.01', '0.00'), text => text),
  step('bytes', decimal(9), ['bytes', 'bytes'], fc.constant(Buffer.from([255])), () => '-0.01'),
]

const IN_UNIONS = PROMOTED.filter(({ reader }) => reader !== 'boolean')
const NULL: Step = step('null', 'null', ['null', 'null'], fc.constant(null), value => value)

const INTO: readonly (readonly [unknown, unknown, string])[] = [
  ['int', ['double', 'string', 'int'], 'int'],
  ['int', ['string', 'double', 'long'], 'double'],
  ['long', ['float', 'null', 'double'], 'float'],
  ['int', ['boolean', 'long'], 'long'],
]

const ADDED: readonly (readonly [unknown, unknown, unknown])[] = [
  ['int', 5, 5],
  ['long', 5, 5n],
  [['null', 'string'], null, null],
  [['string', 'null', 'int'], 'x', { string: 'x' }],
  [{ type: 'map', values: 'int' }, { a: 1 }, { a: 1 }],
  [timestamp, 5, new Date(5)],
  [date, 0, '1970-01-01'],
  [decimal(9), '\u0001', '0.01'],
]
