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
  ])('%j', (type, input, output) => {
    const text = field(type)
    expect(text).toContain(`export interface RIn {\n  f: ${input}\n}`)
    expect(text).toContain(`export interface R {\n  f: ${output}\n}`)
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
    [{ type: 'bytes', logicalType: 'decimal', precision: 4 }, {}, /R\.avsc: f: logical type decimal on bytes/],
    [{ type: 'int', logicalType: 'timestamp-millis' }, {}, /f: logical type timestamp-millis on int/],
    [{ type: 'fixed', name: 'F', size: 4 }, {}, /f: fixed is not supported/],
    [['int', 'string'], {}, /f: the only unions supported/],
    [['null', 'int', 'string'], {}, /f: the only unions supported/],
    [{ type: 'array', items: ['int', 'string'] }, {}, /f\.\[\]: the only unions/],
    [{ type: 'array', items: 'null' }, {}, /f\.\[\]: null by itself/],
    ['Unknown', {}, /f: there is no type a\.Unknown in this folder/],
    ['R', {}, /R: contains itself \(a\.R > a\.R\)/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'toString'] }, {}, /"toString" cannot be an enum symbol/],
    [{ type: { type: 'string' } }, {}, /f: a type in a type/],
    ['int', { default: 'x' }, /R\.f: its default "x" is not int/],
    ['long', { default: 2 ** 53 }, /R\.f: its default 9007199254740992 is not a long/],
    [['null', 'int'], { default: 1 }, /R\.f: its default 1 is not null: put null last/],
    [['int', 'null'], { default: null }, /R\.f: its default null needs null first/],
    [{ type: 'record', name: 'S', fields: [{ name: 'x', type: 'int' }] }, { default: {} }, /R\.f: its default has no x/],
    [{ type: 'record', name: 'RIn', fields: [] }, {}, /would both be RIn/],
    [{ type: 'record', name: 'S', namespace: 'b', fields: [{ name: 'y', type: record('S', []) }] }, {}, /would both be S/],
    [{ type: 'record', name: 'Date', fields: [] }, {}, /cannot be named Date/],
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
