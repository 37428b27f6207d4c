import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { schemaCommand } from '../../src/command/schema.ts'
import type { MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { type CodegenOptions, generate, isFresh } from '../../src/schema/codegen.ts'

const made: string[] = []
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true })
})

/** A folder with these files; a value is written as JSON, a string as it is. */
function folder(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'codegen-'))
  made.push(dir)
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content))
  return dir
}

const record = (name: string, fields: unknown[], more: object = {}) => ({ type: 'record', name, namespace: 'a', ...more, fields })
const gen = (files: Record<string, unknown>, options?: CodegenOptions) => generate(folder(files), options)
const field = (type: unknown, more: object = {}) => gen({ 'R.avsc': record('R', [{ name: 'f', type, ...more }]) })

/** The generated module, run by Node as it stands. */
async function load(files: Record<string, unknown>): Promise<Record<string, MessageSchema>> {
  const dir = folder(files)
  const out = join(dir, 'generated.ts')
  writeFileSync(out, generate(dir, { importFrom: new URL('../../src/message/schema.ts', import.meta.url).pathname }))
  return await import(/* @vite-ignore */ out)
}

describe('types', () => {
  test.each([
    ['int', 'number', 'number'],
    ['long', 'bigint', 'bigint'],
    ['bytes', 'Buffer', 'Buffer'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 'Date', 'Date'],
    [['null', 'string'], 'string | null', 'string | null'],
    [['string', 'null'], 'string | null', 'string | null'],
    [{ type: 'array', items: ['null', 'int'] }, 'readonly (number | null)[]', '(number | null)[]'],
    [{ type: 'array', items: { type: 'array', items: 'int' } }, 'readonly (readonly number[])[]', 'number[][]'],
    [{ type: 'map', values: 'boolean' }, 'Record<string, boolean>', 'Record<string, boolean>'],
    [{ type: 'record', name: 'In1', fields: [] }, 'In1In', 'In1'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'E', 'E'],
    ['null', 'null', 'null'],
    [['null'], 'null', 'null'],
    [['int'], 'number', 'number'],
    [{ type: 'fixed', name: 'F', size: 4 }, 'Buffer', 'Buffer'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, 'string', 'string'],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, 'string', 'string'],
    [{ type: 'string', logicalType: 'uuid' }, 'string', 'string'],
    [{ type: 'int', logicalType: 'date' }, 'string', 'string'],
    [{ type: 'long', logicalType: 'time-micros' }, 'string', 'string'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 'bigint', 'bigint'],
    [{ type: 'long', logicalType: 'local-timestamp-micros' }, 'string', 'string'],
    [{ type: 'string', logicalType: 'card-number' }, 'string', 'string'],
    [['null', 'int', 'string'], '{ int: number; string?: never } | { int?: never; string: string } | null', undefined],
    [
      [
        { type: 'record', name: 'Card', fields: [] },
        { type: 'long', logicalType: 'timestamp-millis' },
      ],
      `{ 'a.Card': CardIn; long?: never } | { 'a.Card'?: never; long: Date }`,
      `{ 'a.Card': Card; long?: never } | { 'a.Card'?: never; long: Date }`,
    ],
  ])('%j', (type, input, output) => {
    const text = field(type)
    expect(text).toContain(`export interface RIn {\n  f: ${input}\n}`)
    expect(text).toContain(`export interface R {\n  f: ${output ?? input}\n}`)
  })

  test('a default makes a field optional on the way in only', () => {
    const text = field('int', { default: 3 })
    expect(text).toContain('f?: number | undefined')
    expect(text).toContain('\n  f: number\n')
  })

  test('longs as number, said in the schema too', () => {
    const text = gen({ 'R.avsc': record('R', [{ name: 'f', type: 'long' }]) }, { long: 'number' })
    expect(text).toContain('f: number\n')
    expect(text).toContain("long: 'number'")
  })

  test('docs become comments and cannot end them', () => {
    const text = gen({ 'R.avsc': record('R', [{ name: 'f', type: 'int', doc: 'one\ntwo' }], { doc: 'x */ process.exit() /*' }) })
    expect(text).toContain('/** x *\\/ process.exit() /* */')
    expect(text).toContain('  /**\n   * one\n   * two\n   */\n')
  })
})

describe('names', () => {
  const names = (files: Record<string, unknown>) =>
    [...gen(files).matchAll(/export (?:interface|type|const) (\w+)/g)].map(m => m[1])
  const at = (namespace: string, name: string, fields: unknown[] = []) => ({ type: 'record', name, namespace, fields })

  test('the simple name, and the namespace only before names that two types share: both of them', () => {
    const both = { 'A.avsc': at('acme.billing', 'Card'), 'B.avsc': at('acme.shop', 'Card'), 'C.avsc': at('acme.shop', 'Cart') }
    expect(new Set(names(both))).toEqual(
      new Set(['AcmeBillingCardIn', 'AcmeBillingCard', 'AcmeShopCardIn', 'AcmeShopCard', 'CartIn', 'Cart']),
    )
    expect(gen(both)).toContain(`export const AcmeShopCard = avroSchema<'acme.shop.Card', AcmeShopCardIn, AcmeShopCard>({`)
  })

  test.each([
    ['a word of TypeScript', { 'A.avsc': at('acme', 'Date') }, ['AcmeDateIn', 'AcmeDate']],
    ['one without a namespace', { 'A.avsc': at('', 'keyof') }, ['KeyofIn', 'Keyof']],
    ['and as it stands', { 'A.avsc': at('', 'Record') }, ['Record_In', 'Record_']],
    ['XIn beside X', { 'A.avsc': at('a', 'X'), 'B.avsc': at('a', 'XIn') }, ['XInput', 'X', 'XInIn', 'XIn']],
    [
      'a name that another gets',
      { 'A.avsc': at('', 'ADate'), 'B.avsc': at('a', 'Date') },
      ['ADateIn', 'ADate', 'ADate_In', 'ADate_'],
    ],
  ])('%s', (_name, files, expected) => {
    expect(new Set(names(files))).toEqual(new Set(expected))
  })
})

describe('several files', () => {
  const line = record('Line', [{ name: 'n', type: 'int' }])
  const files = {
    'B.avsc': record('B', [
      { name: 'line', type: 'Line' },
      { name: 'again', type: ['null', 'a.Line'] },
    ]),
    'A.avsc': record('A', [{ name: 'line', type: 'Line' }]),
    'Line.avsc': line,
  }

  test('a type of another file is written once, and into each schema', async () => {
    const text = gen(files)
    expect(text.match(/export interface Line /g)).toHaveLength(1)
    const generated = await load(files)
    expect(Object.keys(generated).toSorted()).toEqual(['A', 'B', 'Line'])
    expect(generated.A!.avro).toMatchObject({ fields: [{ type: { name: 'Line', namespace: 'a', fields: [{ name: 'n' }] } }] })
    expect(generated.B!.avro).toMatchObject({ fields: [{ type: { name: 'Line' } }, { type: ['null', 'a.Line'] }] })
    expect([
      ...codecOf(generated.B!)
        .encode(1, { line: { n: 1 }, again: { n: 2 } })
        .subarray(5),
    ]).toEqual([2, 2, 4])
  })

  test('the order on disk does not matter', () => {
    expect(gen(Object.fromEntries(Object.entries(files).toReversed()))).toBe(gen(files))
  })

  test('the same nested type in two files is one; a different one of that name is refused', () => {
    const both = {
      'A.avsc': record('A', [{ name: 'l', type: line }]),
      'B.avsc': record('B', [{ name: 'l', type: Object.fromEntries(Object.entries(line).toReversed()) }]),
    }
    expect(gen(both).match(/export interface Line /g)).toHaveLength(1)
    const other = { ...both, 'B.avsc': record('B', [{ name: 'l', type: record('Line', []) }]) }
    expect(() => gen(other)).toThrow(/B\.avsc: l: a\.Line is defined differently in .*A\.avsc/)
  })

  test('recursion through a nullable field', async () => {
    const { Tree } = await load({
      'Tree.avsc': record('Tree', [
        { name: 'next', type: ['null', 'Tree'], default: null },
        { name: 'v', type: 'int' },
      ]),
    })
    expect([
      ...codecOf(Tree!)
        .encode(1, { v: 1, next: { v: 2 } })
        .subarray(5),
    ]).toEqual([2, 0, 4, 2])
  })

  test('what is generated is what was written: defaults, aliases, quotes, a type without namespace', async () => {
    const avro = {
      type: 'record',
      name: 'R',
      namespace: 'a',
      doc: `it's "quoted" \\ \u2028`,
      aliases: ['Old'],
      fields: [
        { name: 'm', type: { type: 'map', values: 'string' }, default: { "it's": 'x', 'a-b': '' } },
        {
          name: 'e',
          type: { type: 'enum', name: 'E', namespace: '', symbols: ['A', 'B'], default: 'B' },
          default: 'A',
          aliases: ['was'],
        },
      ],
    }
    const { R } = await load({ 'R.avsc': avro })
    expect(R).toEqual({ name: 'a.R', long: 'bigint', avro })
  })
})

describe('refused, with file and field', () => {
  test.each<[unknown, object, RegExp]>([
    [{ type: 'bytes', logicalType: 'decimal' }, {}, /R\.avsc: f: logical type decimal needs a "precision"/],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 5 }, {}, /f: its scale 5 is more than its precision 4/],
    [{ type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5 }, {}, /f: 2 bytes do not hold 5 digits/],
    [{ type: 'string', logicalType: 'date' }, {}, /f: logical type date belongs on int, not on string/],
    [{ type: 'array', items: 'int', logicalType: 'date' }, {}, /f: logical type date belongs on int, not on array/],
    [{ type: 'int', logicalType: 'timestamp-millis' }, {}, /f: logical type timestamp-millis belongs on long, not on int/],
    [{ type: 'fixed', name: 'F', size: 15, logicalType: 'uuid' }, {}, /f: logical type uuid needs a fixed of 16 bytes/],
    [{ type: 'fixed', name: 'F', size: 16, logicalType: 'duration' }, {}, /f: logical type duration needs a fixed of 12 bytes/],
    [{ type: 'fixed', name: 'F' }, {}, /f: a fixed needs a "size"/],
    ['fixed', {}, /f: fixed needs a definition/],
    [[], {}, /f: a union needs at least one branch/],
    [['int', ['null', 'string']], {}, /f: a union cannot stand directly in a union/],
    [
      ['long', { type: 'long', logicalType: 'timestamp-millis' }],
      {},
      /f: the union has two branches that are long: only records/,
    ],
    [{ type: 'array', items: 'null' }, {}, /R\.f: an array of items that take no bytes/],
    [{ type: 'map', values: { type: 'array', items: record('E', []) } }, {}, /R\.f\.\{\}: an array of items that take no bytes/],
    [['R'], {}, /R: contains itself \(a\.R > a\.R\)/],
    [[record('S', [{ name: 'r', type: 'R' }]), 'R'], {}, /R: contains itself \(a\.R > a\.S > a\.R\)/],
    ['int', { aliases: ['a-b'] }, /f: its alias "a-b" is no valid Avro name/],
    [{ type: 'record', name: 'string', fields: [] }, {}, /f: string is a word of Avro/],
    [{ type: 'enum', name: 'array', symbols: ['A'] }, {}, /f: array is a word of Avro/],
    [{ type: 'record', name: 'toString', namespace: '', fields: [] }, {}, /f: toString is a name that every JavaScript object/],
    [{ type: 'fixed', name: 'F', size: 2 }, { default: 'abc' }, /R\.f: its default "abc" is not 2 bytes/],
    [['int', 'string'], { default: 'x' }, /R\.f: its default "x" is not int/],
    [['null', 'int', 'string'], { default: 1 }, /R\.f: its default 1 is not null: put the type of the default first/],
    ['Unknown', {}, /f: there is no type a\.Unknown in this folder/],
    ['R', {}, /R: contains itself \(a\.R > a\.R\)/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'toString'] }, {}, /"toString" cannot be an enum symbol/],
    [{ type: { type: 'string' } }, {}, /f: a type in a type/],
    ['int', { default: 'x' }, /R\.f: its default "x" is not int/],
    ['long', { default: 2 ** 53 }, /R\.f: its default 9007199254740992 is not a long/],
    [['null', 'int'], { default: 1 }, /R\.f: its default 1 is not null: put null last/],
    [['int', 'null'], { default: null }, /R\.f: its default null needs null first/],
    [{ type: 'record', name: 'S', fields: [{ name: 'x', type: 'int' }] }, { default: {} }, /R\.f: its default has no x/],
    [{ type: 'record', name: 'x-y', fields: [] }, {}, /a\.x-y is no valid Avro name/],
  ])('%j %j', (type, more, message) => {
    expect(() => field(type, more)).toThrow(
      expect.objectContaining({ code: 'E_SCHEMA_UNSUPPORTED', message: expect.stringMatching(message) }),
    )
  })

  test.each([
    ['__proto__', /is a name that every JavaScript object has/],
    ['constructor', /is a name that every JavaScript object has/],
    ['a-b', /a-b: is no valid Avro name/],
  ])('a field named %s', (name, message) => {
    expect(() => gen({ 'R.avsc': `{"type":"record","name":"R","fields":[{"name":"${name}","type":"int"}]}` })).toThrow(message)
  })

  test('no folder, no files, no record', () => {
    for (const run of [() => generate('/nowhere/at/all'), () => gen({}), () => gen({ 'R.avsc': '"string"' })]) {
      expect(run).toThrow(expect.objectContaining({ code: 'E_SCHEMA_UNSUPPORTED' }))
    }
  })

  test.each([
    ['{\n  "type": "record",\n  "name": R\n}', '3:11: not JSON: unexpected "R"'],
    ['{\n  "a": 1,\n}', '3:1: not JSON: unexpected "}"'],
    ['{"a": [1, 2}', '1:12: not JSON: unexpected "}"'],
    ['{"a": "x\ny"}', '1:7: not JSON: unexpected "\\""'],
    ['{"a": 1 "b": 2}', '1:9: not JSON: unexpected "\\""'],
    ['{"a": 1\n', '2:1: not JSON: the file ends too early'],
    ['', '1:1: not JSON: the file ends too early'],
  ])('no JSON: %j', (text, where) => {
    expect(() => gen({ 'R.avsc': text })).toThrow(
      expect.objectContaining({ code: 'E_SCHEMA_SYNTAX', message: expect.stringContaining(`R.avsc:${where}`) }),
    )
  })
})

describe('the command', () => {
  const run = (...args: string[]) => schemaCommand().parseAsync(['codegen', ...args], { from: 'user' })

  test('writes; --check passes on that and fails on a stale or missing file, writing nothing', async () => {
    const dir = folder({ 'R.avsc': record('R', []) })
    const out = join(dir, 'generated.ts')
    const stale = expect.objectContaining({ code: 'E_CHECK_FAILED', message: expect.stringContaining('spillway schema codegen') })
    await expect(run('--dir', dir, '--check')).rejects.toThrow(stale)
    await run('--dir', dir)
    expect(readFileSync(out, 'utf8')).toBe(generate(dir))
    await run('--dir', dir, '--check')
    await expect(run('--dir', dir, '--long', 'number', '--check')).rejects.toThrow(stale)
    writeFileSync(out, readFileSync(out, 'utf8').replaceAll('\n', '\r\n'))
    await run('--dir', dir, '--check')
    writeFileSync(out, '// edited')
    await expect(run('--dir', dir, '--check')).rejects.toThrow(stale)
    expect(readFileSync(out, 'utf8')).toBe('// edited')
  })

  test("this project's own generated code is fresh", () => {
    const dir = new URL('../../schemas/', import.meta.url).pathname
    expect(isFresh(join(dir, 'generated.ts'), generate(dir))).toBe(true)
  })
})
