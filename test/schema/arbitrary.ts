/** Random Avro records of every construct there is, with values that fit and values that do not. */
import fc, { type GeneratorValue } from 'fast-check'
import { avroSchema, type LongAs, type MessageSchema } from '../../src/message/schema.ts'

/** What a publisher passes, and what a handler gets of it. They differ where a field with a default is left out. */
export interface Pair {
  readonly given: unknown
  readonly expected: unknown
}

interface Node {
  readonly avro: unknown
  /** What stands for it in a union. */
  readonly branch: string
  value(g: GeneratorValue, omit: boolean): Pair
  /** What neither TypeScript nor the codec takes. */
  readonly wrong: readonly unknown[]
  readonly default?: { readonly json: unknown; readonly value: unknown }
  /** An array's items must take bytes. */
  readonly empty?: boolean
}

export interface AnySchema {
  readonly schema: MessageSchema
  /** Complete payloads. */
  readonly payload: fc.Arbitrary<unknown>
  /** With fields left out. */
  readonly pair: fc.Arbitrary<Pair>
  /** By field: what must not compile, and must not be encoded. */
  readonly wrong: readonly { readonly field: string; readonly value: unknown }[]
}

export function anySchema(long: LongAs): fc.Arbitrary<AnySchema> {
  return drawn(g => {
    const builder = new Builder(g, long)
    const { node, fields } = builder.record(2, 'test.Root')
    return {
      schema: avroSchema({ name: 'test.Root', long, avro: node.avro as object }),
      payload: drawn(inner => node.value(inner, false).given),
      pair: drawn(inner => node.value(inner, true)),
      wrong: fields.flatMap(({ name, of }) => of.wrong.map(value => ({ field: name, value }))),
    }
  })
}

/** What is drawn piece by piece. The number is for fast-check: its `gen` takes nothing from the stream, so that the next one would be equal. */
export function drawn<T>(draw: (g: GeneratorValue) => T): fc.Arbitrary<T> {
  return fc.tuple(fc.nat(), fc.gen()).map(([, g]) => draw(g))
}

// Of each length in UTF-8; fast-check's own 'binary' takes seconds to set up.
const CHARACTER = fc.constantFrom('a', '\u0000', '\u007f', 'é', '漢', '\uffff', '😀', '"', '\\', '\u2028')
const MAX = 8_640_000_000_000_000
const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e'

/** Simple names that two namespaces share, that TypeScript does not allow, or that others get: in a random order. */
const NAMES =
  'a.Card b.Card a.CardIn b.CardInput a.b.Card Date a.Date a.Buffer keyof b.any a.Record b.Root RootIn a.x_y Object a.Promise'.split(
    ' ',
  )

class Builder {
  private readonly g: GeneratorValue
  private readonly long: LongAs
  private readonly names: string[]
  private readonly known: Node[] = []

  constructor(g: GeneratorValue, long: LongAs) {
    this.g = g
    this.long = long
    this.names = [...g(fc.shuffledSubarray, NAMES)]
  }

  record(depth: number, fullName = this.name()): { node: Node; fields: readonly Field[] } {
    const fields = Array.from({ length: this.upTo(depth === 2 ? 6 : 3) + (depth === 2 ? 1 : 0) }, (_, i) =>
      this.field(`f${i}`, depth),
    )
    const recursive = this.chance(4)
    const next = { name: 'next', type: ['null', fullName], default: null }
    const node: Node = {
      avro: {
        type: 'record',
        ...named(fullName),
        ...(this.chance(4) && { doc: 'One */ of\nthem.' }),
        fields: [...fields.map(({ avro }) => avro), ...(recursive ? [next] : [])],
      },
      branch: fullName,
      value: (g, omit) => recordValue(fields, recursive ? 2 : 0, g, omit),
      wrong: [null, 'x', [], ...(fields.some(field => !field.omissible) ? [{}] : [])],
      empty: !recursive && fields.every(field => field.of.empty),
      ...recordDefault(fields, recursive),
    }
    this.remember(node)
    return { node, fields }
  }

  private field(name: string, depth: number): Field {
    const of = this.type(depth)
    const omissible = of.default !== undefined && this.chance(3)
    const more = {
      ...(omissible && { default: of.default!.json }),
      ...(this.chance(5) && { doc: 'What it is.', aliases: [`${name}Once`] }),
    }
    return { name, of, omissible, avro: { name, type: of.avro, ...more } }
  }

  private type(depth: number): Node {
    const kind = depth <= 0 ? 0 : this.upTo(9)
    if (kind === 1) return this.array(depth)
    if (kind === 2) return this.map(depth)
    if (kind === 3) return this.nullable(depth)
    if (kind === 4 || kind === 5) return this.union(depth)
    if (kind === 6) return this.record(depth - 1).node
    if (kind === 7 && this.known.length > 0) return this.g(fc.constantFrom, ...this.known)
    return this.leaf()
  }

  private array(depth: number): Node {
    const items = this.typeThat(depth - 1, node => !node.empty)
    const value = (g: GeneratorValue, omit: boolean) => {
      const pairs = Array.from({ length: g(fc.nat, 3) }, () => items.value(g, omit))
      return { given: pairs.map(pair => pair.given), expected: pairs.map(pair => pair.expected) }
    }
    const wrong = [{}, null, 'x', ...items.wrong.slice(0, 1).map(item => [item])]
    return { avro: { type: 'array', items: items.avro }, branch: 'array', value, wrong, default: { json: [], value: [] } }
  }

  private map(depth: number): Node {
    const values = this.type(depth - 1)
    const value = (g: GeneratorValue, omit: boolean) => {
      const entries = Array.from({ length: g(fc.nat, 3) }, () => [g(() => KEY), values.value(g, omit)] as const)
      const side = (of: 'given' | 'expected') => Object.fromEntries(entries.map(([key, pair]) => [key, pair[of]]))
      return { given: side('given'), expected: side('expected') }
    }
    const wrong = [null, 'x', [1], ...values.wrong.slice(0, 1).map(item => ({ key: item }))]
    const of = values.default
    const json = of === undefined ? {} : JSON.parse(`{"__proto__": ${JSON.stringify(of.json)}}`)
    const filled = of === undefined ? {} : Object.fromEntries([['__proto__', of.value]])
    return { avro: { type: 'map', values: values.avro }, branch: 'map', value, wrong, default: { json, value: filled } }
  }

  private nullable(depth: number): Node {
    const of = this.notUnion(depth)
    if (of.branch === 'null') return of
    const nullFirst = this.g(fc.boolean)
    const value = (g: GeneratorValue, omit: boolean) => (g(fc.boolean) ? of.value(g, omit) : { given: null, expected: null })
    return {
      avro: nullFirst ? ['null', of.avro] : [of.avro, 'null'],
      branch: '',
      value,
      wrong: of.wrong.filter(item => item !== null),
      ...(nullFirst ? { default: { json: null, value: null } } : of.default && { default: of.default }),
    }
  }

  /** Two to four branches, each once, and perhaps null. */
  private union(depth: number): Node {
    const branches = new Map<string, Node>()
    const wanted = 2 + this.upTo(3)
    while (branches.size < wanted) {
      const of = this.notUnion(depth, branches)
      if (of !== NULL) branches.set(of.branch, of)
    }
    const others = [...branches.values()]
    const all = this.chance(2) ? others : this.chance(2) ? [NULL, ...others] : [...others, NULL]
    const [first, second] = others as [Node, Node, ...Node[]]
    const both = { [first.branch]: null, [second.branch]: null }
    return {
      avro: all.map(({ avro }) => avro),
      branch: '',
      value: (g, omit) => wrap(g(fc.constantFrom, ...all), g, omit),
      wrong: [
        1,
        'x',
        {},
        both,
        { nonsense: 1 },
        { toString: 1 },
        { null: null },
        ...(all.includes(NULL) ? [] : [null]),
        { [first.branch]: first.wrong[0] },
      ],
      ...unionDefault(all[0]!),
    }
  }

  private notUnion(depth: number, besides: ReadonlyMap<string, Node> = new Map()): Node {
    return this.typeThat(depth - 1, ({ branch }) => branch !== '' && !besides.has(branch))
  }

  private typeThat(depth: number, fits: (node: Node) => boolean): Node {
    for (;;) {
      const before = this.known.length
      const node = this.type(depth)
      if (fits(node)) return node
      // What was defined in it is defined nowhere now.
      this.known.length = before
    }
  }

  /** To be referred to later. From within a namespace nothing can refer to a type without one. */
  private remember(node: Node): void {
    if (node.branch.includes('.')) this.known.push({ ...node, avro: node.branch })
  }

  private leaf(): Node {
    const kind = this.upTo(24)
    if (kind < 2) return this.enumType()
    if (kind < 4) return this.fixed()
    if (kind < 6) return this.fixedLogical()
    return this.g(fc.constantFrom, ...scalars(this.long), ...texts())
  }

  private enumType(): Node {
    const name = this.name()
    const avro = { type: 'enum', ...named(name), symbols: ['A', 'B', 'C'], ...(this.chance(2) && { default: 'C' }) }
    const node = leaf(avro, name, fc.constantFrom('A', 'B', 'C'), ['D', 'toString', 1, null], 'B')
    this.remember(node)
    return node
  }

  private fixed(): Node {
    const size = 1 + this.upTo(8)
    const name = this.name()
    const value = fc.uint8Array({ minLength: size, maxLength: size }).map(bytes => Buffer.from(bytes))
    const node = leaf(
      { type: 'fixed', ...named(name), size },
      name,
      value,
      ['x', 1, null],
      '\u00ff'.repeat(size),
      Buffer.alloc(size, 255),
    )
    this.remember(node)
    return node
  }

  private fixedLogical(): Node {
    const name = this.name()
    const of = (size: number, more: object) => ({ type: 'fixed', ...named(name), size, ...more })
    const wrong = ['x', 1, null]
    switch (this.upTo(3)) {
      case 0:
        return leaf(of(16, { logicalType: 'uuid' }), name, fc.uuid(), wrong.slice(1))
      case 1:
        return leaf(of(12, { logicalType: 'duration' }), name, DURATION, [
          ...wrong,
          {},
          { months: 1, days: '1', milliseconds: 1 },
        ])
      default:
        return leaf(of(9, { logicalType: 'decimal', precision: 20, scale: 4 }), name, decimals(20, 4), wrong.slice(1))
    }
  }

  /** Mostly from the list; a name is used once. */
  private name(): string {
    return this.names.pop() ?? `test.Named${++this.made}`
  }

  private made = 0

  private upTo(below: number): number {
    return this.g(fc.nat, below - 1)
  }

  private chance(oneIn: number): boolean {
    return this.upTo(oneIn) === 0
  }
}

interface Field {
  readonly name: string
  readonly of: Node
  readonly omissible: boolean
  readonly avro: object
}

function named(fullName: string): object {
  const dot = fullName.lastIndexOf('.')
  return { name: fullName.slice(dot + 1), namespace: dot === -1 ? '' : fullName.slice(0, dot) }
}

function recordValue(fields: readonly Field[], nested: number, g: GeneratorValue, omit: boolean): Pair {
  const given: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  for (const { name, of, omissible } of fields) {
    if (omit && omissible && g(fc.boolean)) {
      if (g(fc.boolean)) given[name] = undefined
      expected[name] = of.default!.value
    } else {
      const pair = of.value(g, omit)
      given[name] = pair.given
      expected[name] = pair.expected
    }
  }
  if (nested > 0) {
    const next = nested > 1 && g(fc.boolean) ? recordValue(fields, nested - 1, g, omit) : { given: null, expected: null }
    given.next = next.given
    expected.next = next.expected
  }
  return { given, expected }
}

/** Fields that have a default of their own are left out of it. */
function recordDefault(fields: readonly Field[], recursive: boolean): Pick<Node, 'default'> {
  if (fields.some(({ of }) => of.default === undefined)) return {}
  const given = fields.filter(({ omissible }) => !omissible)
  const value = Object.fromEntries(fields.map(({ name, of }) => [name, of.default!.value]))
  const json = Object.fromEntries(given.map(({ name, of }) => [name, of.default!.json]))
  return { default: { json, value: recursive ? { ...value, next: null } : value } }
}

function unionDefault(first: Node): Pick<Node, 'default'> {
  if (first === NULL) return { default: { json: null, value: null } }
  return first.default === undefined
    ? {}
    : { default: { json: first.default.json, value: Object.fromEntries([[first.branch, first.default.value]]) } }
}

function wrap(branch: Node, g: GeneratorValue, omit: boolean): Pair {
  if (branch === NULL) return { given: null, expected: null }
  const { given, expected } = branch.value(g, omit)
  return { given: { [branch.branch]: given }, expected: { [branch.branch]: expected } }
}

function leaf(
  avro: unknown,
  branch: string,
  values: fc.Arbitrary<unknown>,
  wrong: readonly unknown[],
  json?: unknown,
  defaultValue: unknown = json,
): Node {
  const value = (g: GeneratorValue) => {
    const given = g(() => values)
    return { given, expected: given }
  }
  return { avro, branch, value, wrong, ...(json !== undefined && { default: { json, value: defaultValue } }) }
}

const NULL: Node = { ...leaf('null', 'null', fc.constant(null), [0, 'x'], null), empty: true }

function scalars(long: LongAs): Node[] {
  const bytes = fc.uint8Array().map(array => Buffer.from(array))
  const dates = fc.date({ min: new Date(-MAX), max: new Date(MAX), noInvalidDate: true })
  const asLong = (n: number) => (long === 'bigint' ? BigInt(n) : n)
  const notLong = [long === 'bigint' ? 1 : 1n, '1', null]
  return [
    NULL,
    leaf('boolean', 'boolean', fc.boolean(), [0, 'x', null], true),
    leaf('int', 'int', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), ['1', 1n, null], -3),
    leaf('long', 'long', longs(long), notLong, -7, asLong(-7)),
    leaf('double', 'double', fc.double(), ['1', 1n, null], 0.5),
    leaf('float', 'float', fc.float(), ['1', 1n, null], 0.5),
    leaf('string', 'string', fc.string({ unit: CHARACTER }), [1, null, Buffer.from('x')], 'it’s "x"'),
    leaf('bytes', 'bytes', bytes, ['x', 1, null, new Uint8Array(1)], '\u00ff', Buffer.from([255])),
    leaf({ type: 'string', logicalType: 'card-number', issuer: 'x' }, 'string', fc.string({ unit: CHARACTER }), [1, null]),
    leaf({ type: 'long', logicalType: 'timestamp-millis' }, 'long', dates, [0, '2026-11-22T10:00:00Z', null], 5, new Date(5)),
    leaf({ type: 'long', logicalType: 'timestamp-micros' }, 'long', longs(long), [...notLong, new Date(0)], 5, asLong(5)),
    leaf({ type: 'long', logicalType: 'local-timestamp-nanos' }, 'long', longs(long), notLong),
  ]
}

/** Logical types that are text. */
function texts(): Node[] {
  const day = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  const time = fc.nat(86_399_999).map(ms => new Date(ms).toISOString().slice(11, -1))
  const micros = fc.nat(999).map(n => String(n).padStart(3, '0'))
  const date = day.map(at => at.toISOString().slice(0, 10))
  const join = (parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map(texts => texts.join(''))
  const T = fc.constant('T')
  const wrong = [1, null, new Date(0)]
  const of = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })
  const first = '1970-01-01'
  return [
    leaf(of('bytes', 'decimal', { precision: 9, scale: 2 }), 'bytes', decimals(9, 2), wrong, '\u0004\u00e2', '12.50'),
    leaf(of('bytes', 'decimal', { precision: 60 }), 'bytes', decimals(60, 0), wrong, '\u00ff', '-1'),
    leaf(of('string', 'uuid'), 'string', fc.uuid(), wrong, UUID),
    leaf(of('int', 'date'), 'int', date, wrong, 1, '1970-01-02'),
    leaf(of('int', 'time-millis'), 'int', time, wrong, 1, '00:00:00.001'),
    leaf(of('long', 'time-micros'), 'long', join([time, micros]), wrong, 1, '00:00:00.000001'),
    leaf(of('long', 'local-timestamp-millis'), 'long', join([date, T, time]), wrong, 1, `${first}T00:00:00.001`),
    leaf(of('long', 'local-timestamp-micros'), 'long', join([date, T, time, micros]), wrong, 1, `${first}T00:00:00.000001`),
  ]
}

const uint32 = fc.nat(2 ** 32 - 1)
const DURATION = fc.record({ months: uint32, days: uint32, milliseconds: uint32 }, { noNullPrototype: true })

function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(precision) - 1n
  return fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -300n, max: 300n })).map(unscaled => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
    const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
    return unscaled < 0n ? `-${text}` : text
  })
}

function longs(long: LongAs): fc.Arbitrary<unknown> {
  return long === 'number'
    ? fc.maxSafeInteger()
    : fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -300n, max: 300n }),
        fc.nat(63).map(n => 2n ** BigInt(n) - 1n),
      )
}

/** Keys that are dangerous on objects come up often. */
const KEY = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('__proto__', 'constructor', 'toString', ''))
