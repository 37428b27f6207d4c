/** Generated types and the codec say the same, of any schema: compiled, encoded and decoded. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { MessageSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { generate } from '../../src/schema/codegen.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { anySchema, type Pair } from './arbitrary.ts'
import { compile, literal, MESSAGE_SCHEMA } from './typescript.ts'

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

/** Entries, so that a key __proto__ counts, and the classes that avsc makes do not; -0 and NaN stay. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value)) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, plain(inner)])
}
