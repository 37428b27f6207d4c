/** Generated types and the codec say the same, of any schema: compiled, encoded and decoded. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { generate } from '../../src/schema/codegen.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { anySchema, type Pair } from './arbitrary.ts'
import { plain } from './plain.ts'
import { compile, literal, MESSAGE_SCHEMA } from './tsc.ts'

const made: string[] = []
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true })
})

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'types-'))
  made.push(dir)
  return dir
}

async function load(dir: string): Promise<MessageSchema> {
  const generated: Record<string, MessageSchema> = await import(/* @vite-ignore */ join(dir, 'generated.ts'))
  return Object.values(generated).find(schema => schema.name === 'test.Root')!
}

/** What the types must allow and what not, about one generated module. */
function typeTests(
  schema: MessageSchema,
  text: string,
  pairs: readonly Pair[],
  wrong: readonly { field: string; value: unknown }[],
): string {
  const [, input, output] = /export const \w+ = avroSchema<'test\.Root', (\w+), (\w+)>/.exec(text)!
  const fields = (schema.avro as { fields: { name: string }[] }).fields.map(({ name }) => `'${name}'`)
  return [
    `import type { ${input} as In, ${output} as Out } from './generated.ts'`,
    `export const given: In[] = [\n${pairs.map(({ given }) => `  ${literal(given)},`).join('\n')}\n]`,
    `export const expected: Out[] = [\n${pairs.map(({ expected }) => `  ${literal(expected)},`).join('\n')}\n]`,
    'export const republished = (out: Out): In => out',
    `export const names: readonly (keyof Out & keyof In)[] = [${fields.join(', ')}]`,
    `// @ts-expect-error a field that the schema does not have\nexport const more: In = { ...given[0]!, more: 1 }`,
    ...wrong.map(
      ({ field, value }, i) =>
        `// @ts-expect-error ${JSON.stringify(field)}\nexport const wrong${i}: In['${field}'] = ${literal(value)}`,
    ),
  ].join('\n')
}

test.each(['bigint', 'number'] as const)(
  'what compiles is encoded and comes back as its type says; what does not compile is refused, long as %s',
  async long => {
    const any = anySchema(long).chain(({ schema, pair, wrong }) =>
      fc.record({
        schema: fc.constant(schema),
        wrong: fc.constant(wrong),
        pairs: fc.array(pair, { minLength: 2, maxLength: 4 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 40, maxLength: 40 }), async all => {
        const dir = folder()
        for (const [i, { schema, pairs, wrong }] of all.entries()) {
          const sub = join(dir, `s${i}`)
          mkdirSync(sub)
          writeFileSync(join(sub, 'Root.avsc'), JSON.stringify(schema.avro))
          const text = generate(sub, { long, importFrom: MESSAGE_SCHEMA })
          writeFileSync(join(sub, 'generated.ts'), text)
          writeFileSync(join(sub, 'values.ts'), typeTests(schema, text, pairs, wrong))
          await roundTrips(await load(sub), pairs)
          for (const { field, value } of wrong) refuses(schema, { ...(pairs[0]!.given as object), [field]: value }, field)
        }
        expect(compile(dir)).toBe('')
      }),
      // A run is forty schemas and one tsc; to shrink it would take minutes.
      { numRuns: 1, endOnFailure: true },
    )
  },
)

test('what generators get wrong: unions of numbers and records, decimals, names of other namespaces, defaults, code to erase', async () => {
  const line = { type: 'record', name: 'Line', namespace: 'com.acme.common', fields: [{ name: 'sku', type: 'string' }] }
  const card = { type: 'record', name: 'Card', namespace: 'com.acme', fields: [{ name: 'sku', type: 'string' }] }
  const fields = [
    { name: 'amount', type: ['null', 'int', 'long'] },
    { name: 'paidBy', type: [line, card] },
    { name: 'parent', type: ['null', 'com.acme.common.Line'], default: null },
    { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'currency', type: { type: 'enum', name: 'Currency', symbols: ['GBP', 'EUR'] }, default: 'GBP' },
  ]
  const dir = folder()
  writeFileSync(join(dir, 'Root.avsc'), JSON.stringify({ type: 'record', name: 'Root', namespace: 'test', fields }))
  const text = generate(dir, { importFrom: MESSAGE_SCHEMA })
  writeFileSync(join(dir, 'generated.ts'), text)
  const rest = `paidBy: { 'com.acme.Card': { sku: 'a' } }, total: '12.50'`
  writeFileSync(
    join(dir, 'use.ts'),
    [
      `import type { Line, LineIn, Root, RootIn } from './generated.ts'`,
      `export const int: RootIn = { amount: { int: 3 }, ${rest} }`,
      `export const long: RootIn = { amount: { long: 3n }, ${rest} }`,
      `// @ts-expect-error which of the two numbers?\nexport const bare: RootIn = { amount: 3, ${rest} }`,
      `// @ts-expect-error one or the other\nexport const both: RootIn = { amount: { int: 3, long: 3n }, ${rest} }`,
      `// @ts-expect-error which of the two records?\nexport const record: RootIn['paidBy'] = { sku: 'a' }`,
      `// @ts-expect-error a decimal is text\nexport const decimal: RootIn['total'] = Buffer.from('x')`,
      `export const handler = (root: Root): [Line | null, string, 'GBP' | 'EUR'] => [root.parent, root.total, root.currency]`,
      `export const asks = (root: Root): number | undefined => root.amount?.int`,
      `export const parent: LineIn = { sku: 'a' }`,
    ].join('\n'),
  )
  expect(compile(dir)).toBe('')
  expect(text).not.toMatch(/^\s*(export )?(enum|namespace|declare) /m)
  const schema = await load(dir)
  const other = { paidBy: { 'com.acme.Card': { sku: 'a' } }, total: '12.50' }
  const filled = { ...other, parent: null, currency: 'GBP' }
  for (const amount of [{ int: 3 }, { long: 3n }, null])
    await roundTrips(schema, [{ given: { ...other, amount }, expected: { ...filled, amount } }])
  for (const amount of [3, 3n, { int: 3, long: 3n }, { int: 3n }]) refuses(schema, { ...other, amount }, 'amount')
  for (const total of ['12.505', '12345678.00', '1e3', '.5', '+1', '01', Buffer.from('x')])
    refuses(schema, { ...other, amount: null, total }, 'total')
})

test('text that is no date, time or uuid is refused when it is written; what says less than it may is filled up', async () => {
  const of = (type: string, logicalType: string) => ({ type, logicalType })
  const types = {
    date: of('int', 'date'),
    time: of('int', 'time-millis'),
    micros: of('long', 'time-micros'),
    local: of('long', 'local-timestamp-millis'),
    uuid: of('string', 'uuid'),
  }
  const fields = Object.entries(types).map(([name, type]) => ({ name, type }))
  const schema = avroSchema({
    name: 'test.Root',
    long: 'bigint',
    avro: { type: 'record', name: 'Root', namespace: 'test', fields },
  })
  const given = {
    date: '2024-02-29',
    time: '23:59:59',
    micros: '00:00:00.5',
    local: '0000-01-01T00:00:00.5',
    uuid: '0F8FAD5B-D9CB-469F-A165-70867728950E',
  }
  const expected = { ...given, time: '23:59:59.000', micros: '00:00:00.500000', local: '0000-01-01T00:00:00.500' }
  await roundTrips(schema, [{ given, expected }])
  const wrong = {
    date: ['2023-02-29', '2023-2-1', '+12023-02-01', '2023-02-01T00:00', '10000-01-01', 'today'],
    time: ['24:00:00', '23:60:00', '23:59:60', '23:59', '23:59:59.0001', '-1:00:00'],
    micros: ['00:00:00.0000001', '00:00:00.'],
    local: ['2024-02-30T00:00:00', '2024-02-29 00:00:00', '2024-02-29T00:00:00Z', '2024-02-29'],
    uuid: ['0f8fad5bd9cb469fa16570867728950e', '0f8fad5b-d9cb-469f-a165-70867728950g', ''],
  }
  for (const [field, values] of Object.entries(wrong))
    for (const value of values) refuses(schema, { ...given, [field]: value }, field)
})

async function roundTrips(schema: MessageSchema, pairs: readonly Pair[]): Promise<void> {
  const registry = memoryRegistry()
  const decoder = createDecoder(registry, [schema])
  const id = await registry.register('subject', schema)
  for (const { given, expected } of pairs) {
    const decoded = await decoder.decode(codecOf(schema).encode(id, given))
    expect(plain((decoded as { payload: unknown }).payload)).toEqual(plain(expected))
  }
}

function refuses(schema: MessageSchema, payload: unknown, field: string): void {
  const refused = expect.objectContaining({ code: 'E_PAYLOAD', path: expect.stringMatching(new RegExp(`^${field}($|\\.)`)) })
  expect(() => codecOf(schema).encode(1, payload), `${field} of ${literal(payload)}`).toThrow(refused)
  expect(() => codecOf(schema).check(payload)).toThrow(refused)
}
