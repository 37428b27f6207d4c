import { expect, test } from 'vitest'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { checkAgainstRegistry, type Earlier, judge, LEVELS, type Level } from '../../src/schema/gate.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { registerSchemas } from '../../src/schema/register.ts'

const record = (fields: unknown[], name = 'R', more: object = {}): MessageSchema =>
  avroSchema({
    name: `test.${name}`,
    long: 'bigint',
    avro: { type: 'record', name, namespace: 'test', ...more, fields },
  })
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'string' }
const withDefault = { ...b, default: '' }
const earlier = (...schemas: MessageSchema[]): Earlier[] =>
  schemas.map(({ avro }, i) => ({ label: `version ${i + 1}`, version: i + 1, schema: JSON.stringify(avro) }))

/** What the levels let through, in the order of LEVELS. */
test.each([
  ['a field with default is added', earlier(record([a])), record([a, withDefault]), 'BbFfUuN'],
  ['a field without default is added', earlier(record([a])), record([a, b]), 'FfN'],
  ['a field without default is removed', earlier(record([a, b])), record([a]), 'BbN'],
  ['a field with default is removed', earlier(record([a, withDefault])), record([a]), 'BbFfUuN'],
  ['only the oldest cannot be read', earlier(record([a]), record([a, b])), record([a, b]), 'BFfUN'],
  ['only the oldest cannot read it', earlier(record([a, b]), record([a])), record([a]), 'BbFUN'],
])('levels: %s', async (_name, before, schema, letThrough) => {
  const passed: string[] = []
  for (const level of LEVELS) if ((await judge({ subject: 's', schema }, before, level)).compatible) passed.push(short[level])
  expect(passed.join('')).toBe(letThrough)
})

const short: Record<Level, string> = {
  BACKWARD: 'B',
  BACKWARD_TRANSITIVE: 'b',
  FORWARD: 'F',
  FORWARD_TRANSITIVE: 'f',
  FULL: 'U',
  FULL_TRANSITIVE: 'u',
  NONE: 'N',
}

const field = (type: unknown) => ({ name: 'f', type })
const enumOf = (symbols: string[], more: object = {}) => ({ type: 'enum', name: 'E', symbols, ...more })

/** What those who read with the older schema are told of. */
test.each([
  [
    'gone',
    [a, b],
    [a],
    'b',
    'is gone here, and the older schema has no default for it: it cannot read what is written without it',
  ],
  [
    'renamed',
    [{ name: 'total', type: 'int' }],
    [{ name: 'totalCents', type: 'int', aliases: ['total'] }],
    'total',
    /`totalCents` looks like its new name/,
  ],
  ['widened', [field('int')], [field('long')], 'f', 'is long here and int in the older schema, which holds less'],
  [
    'changed',
    [field('int')],
    [field('string')],
    'f',
    'is string here, and the older schema reads int: one cannot be read as the other',
  ],
  ['nullable', [field('int')], [field(['null', 'int'])], 'f', 'can be null here, and the older schema reads int only'],
  [
    'a branch',
    [field(['null', 'int'])],
    [field(['null', 'int', 'string'])],
    'f',
    'can be string here, and the older schema reads int or null only',
  ],
  [
    'a symbol',
    [field(enumOf(['A']))],
    [field(enumOf(['A', 'B']))],
    'f',
    'B of enum test.E is new, and the enum of the older schema has no default',
  ],
  [
    'a unit',
    [field({ type: 'long', logicalType: 'timestamp-millis' })],
    [field({ type: 'long', logicalType: 'timestamp-micros' })],
    'f',
    /^is timestamp-micros here and timestamp-millis in the older schema: .* \(1,000 times\)/,
  ],
  [
    'a size',
    [field({ type: 'fixed', name: 'F', size: 2 })],
    [field({ type: 'fixed', name: 'F', size: 3 })],
    'f',
    /^is fixed test.F \(3 bytes\) here/,
  ],
])('forward: %s', async (_name, before, now, path, reason) => {
  const verdict = await judge({ subject: 's', schema: record(now) }, earlier(record(before)), 'FORWARD')
  const said = typeof reason === 'string' ? reason : expect.stringMatching(reason)
  expect(verdict.problems).toMatchObject([{ direction: 'forward', path, reason: said, earlier: { version: 1 } }])
})

test('a message under another name finds its handler by an alias, and not without', async () => {
  const renamed = (aliases: string[]) => judge({ subject: 's', schema: record([a], 'New', { aliases }) }, earlier(record([a])))
  expect(await renamed(['test.R'])).toMatchObject({ compatible: true, problems: [] })
  expect(await renamed([])).toMatchObject({ compatible: false, problems: [{ kind: 'name-changed', path: '' }] })
})

test('what it was before: new, the same, or changed', async () => {
  const state = async (before: Earlier[], schema: MessageSchema) => (await judge({ subject: 's', schema }, before)).state
  expect(await state([], record([a]))).toBe('new')
  expect(
    await state(
      [{ label: 'v', schema: '{"fields":[{"type":"int","name":"a"}],"namespace":"test","name":"R","type":"record"}' }],
      record([a]),
    ),
  ).toBe('unchanged')
  expect(await state(earlier(record([a])), record([a, withDefault]))).toBe('changed')
})

test('register refuses what the gate refuses, and nothing else', async () => {
  const registry = memoryRegistry()
  await registerSchemas(registry, [{ subject: 's', schema: record([a]) }])
  const cases = [record([a, b]), record([a, withDefault]), record([{ ...a, type: 'long' }]), record([{ ...a, type: 'string' }])]
  for (const level of LEVELS) {
    for (const schema of cases) {
      // Of its own it has the rule of the memory registry: the last word is the registry's at every level.
      const asked = { ...registry, register: async () => 7 }
      const [verdict] = await checkAgainstRegistry(asked, [{ subject: 's', schema }], level)
      const done = registerSchemas(asked, [{ subject: 's', schema }], level)
      if (verdict!.compatible) expect(await done).toMatchObject([{ id: 7, outcome: 'registered' }])
      else await expect(done).rejects.toThrow(expect.objectContaining({ code: 'E_SCHEMA_INCOMPATIBLE' }))
    }
  }
})

test('the version and id of each problem, and a build that is older than what is registered', async () => {
  const registry = memoryRegistry()
  const versions = [record([a]), record([a, withDefault]), record([a])]
  await registerSchemas(registry, [{ subject: 'other', schema: record([b]) }])
  for (const schema of versions.slice(0, 2)) await registerSchemas(registry, [{ subject: 's', schema }])
  const [verdict] = await checkAgainstRegistry(registry, [{ subject: 's', schema: record([{ ...a, type: 'string' }]) }])
  expect(verdict!.problems.map(({ earlier }) => [earlier?.version, earlier?.id, earlier?.label])).toEqual([
    [1, 2, 'version 1 (id 2)'],
    [2, 3, 'version 2 (id 3)'],
  ])

  const rolledBack = memoryRegistry()
  await registerSchemas(rolledBack, [{ subject: 's', schema: record([a, b]) }])
  await registerSchemas(rolledBack, [{ subject: 's', schema: record([a]) }])
  const [old] = await checkAgainstRegistry(rolledBack, [{ subject: 's', schema: record([a, b]) }])
  expect(old).toMatchObject({ compatible: true, state: 'unchanged', id: 1 })
  expect(old!.warnings).toMatchObject([{ path: 'b', earlier: { version: 2 }, text: expect.stringContaining('a later version') }])
})

test('an outage of the registry is no verdict', async () => {
  const away = Object.assign(new Error('away'), { code: 'E_REGISTRY_UNAVAILABLE' })
  const registry = { ...memoryRegistry(), versions: () => Promise.reject(away) }
  await expect(checkAgainstRegistry(registry, [{ subject: 's', schema: record([a]) }])).rejects.toBe(away)
})
