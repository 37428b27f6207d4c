import { describe, expect, test } from 'vitest'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { checkCompatibility, renameWarnings } from '../../src/schema/compatibility.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { registerSchemas } from '../../src/schema/register.ts'

const record = (fields: unknown[], more: object = {}): MessageSchema =>
  avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', ...more, fields } })
const json = (schema: MessageSchema) => JSON.stringify(schema.avro)
const field = (type: unknown, more: object = {}) => ({ name: 'f', type, ...more })
const enumOf = (symbols: string[], more: object = {}) => ({ type: 'enum', name: 'E', symbols, ...more })

test.each([
  ['a field with default is new', record([field('int', { default: 1 })]), record([])],
  ['a field is gone', record([]), record([field('int')])],
  ['int becomes long', record([field('long')]), record([field('int')])],
  ['a logical type is added', record([field({ type: 'long', logicalType: 'timestamp-millis' })]), record([field('long')])],
  ['a logical type is taken away', record([field('long')]), record([field({ type: 'long', logicalType: 'timestamp-millis' })])],
  ['text becomes bytes', record([field('bytes')]), record([field('string')])],
  ['a union has a branch more', record([field(['null', 'int', 'string'])]), record([field(['int', 'null'])])],
  ['it becomes nullable', record([field(['null', 'int'])]), record([field('int')])],
  ['renamed with an alias', record([{ name: 'g', type: 'int', aliases: ['f'] }]), record([field('int')])],
  ['an enum symbol is new', record([field(enumOf(['A', 'B']))]), record([field(enumOf(['A']))])],
  [
    'an enum symbol is gone, with a default',
    record([field(enumOf(['A'], { default: 'A' }))]),
    record([field(enumOf(['A', 'B']))]),
  ],
])('can read: %s', (_name, now, before) => {
  expect(checkCompatibility(now, [json(before)])).toEqual({ compatible: true, problems: [] })
})

const inner = (name: string, fields: unknown[]) => ({ type: 'record', name, fields })
const fixed = (name: string, size: number, more: object = {}) => ({ type: 'fixed', name, size, ...more })
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })

/** What was there, what is there now, and what is said of it to whoever builds it. */
const refusals: [string, MessageSchema, MessageSchema, string, string, string | RegExp, string | RegExp][] = [
  [
    'a field without default is new',
    record([]),
    record([field('int')]),
    'field-missing',
    'f',
    'is new and has no default: what was written without it cannot be read',
    'give it a default, such as "default": 0',
  ],
  [
    'a field is renamed',
    record([{ name: 'total', type: 'long' }]),
    record([{ name: 'totalCents', type: 'long' }]),
    'field-missing',
    'totalCents',
    'is new and has no default; it looks like a rename of `total`, which is gone',
    'if it is the same field, add "aliases": ["total"] to it; if not, give it a default, such as "default": 0',
  ],
  [
    'a field in the place of another one',
    record([field('string'), { name: 'qty', type: 'int' }]),
    record([field('string'), { name: 'amount', type: 'int' }]),
    'field-missing',
    'amount',
    /looks like a rename of `qty`/,
    /"aliases": \["qty"\]/,
  ],
  [
    'another type and name: no rename',
    record([{ name: 'qty', type: 'string' }]),
    record([{ name: 'amount', type: 'int' }]),
    'field-missing',
    'amount',
    /^is new and has no default: /,
    /^give it a default/,
  ],
  [
    'a nullable field without default',
    record([]),
    record([field(['null', 'string'])]),
    'field-missing',
    'f',
    /^is new/,
    'give it a default, such as "default": null',
  ],
  [
    'a record without default',
    record([]),
    record([field(inner('In', []))]),
    'field-missing',
    'f',
    /^is new/,
    /^make it nullable/,
  ],
  [
    'long becomes int',
    record([field('long')]),
    record([field('int')]),
    'type-narrowed',
    'f',
    'is int now and was long: it holds less than what was written may need',
    'keep long; or add a field of another name as int, with a default',
  ],
  [
    'double becomes float, nullable',
    record([field(['null', 'double'])]),
    record([field(['null', 'float'])]),
    'type-narrowed',
    'f',
    /^is float now and was double/,
    /^keep double/,
  ],
  [
    'the type differs',
    record([field('string')]),
    record([field('int')]),
    'type-changed',
    'f',
    'is int now and was string: one cannot be read as the other',
    /write both until/,
  ],
  [
    'no longer nullable',
    record([field(['null', 'int'])]),
    record([field('int')]),
    'null-removed',
    'f',
    /^could be null and cannot any more/,
    /^keep null in its type/,
  ],
  [
    'a branch is gone',
    record([field(['null', 'int', 'string'])]),
    record([field(['null', 'int'])]),
    'branch-removed',
    'f',
    'could be string and is only int or null now',
    /^keep string in the union/,
  ],
  [
    'in an array',
    record([field({ type: 'array', items: 'string' })]),
    record([field({ type: 'array', items: 'int' })]),
    'type-changed',
    'f.[]',
    /^is int now/,
    /./,
  ],
  [
    'in a map',
    record([field({ type: 'map', values: 'string' })]),
    record([field({ type: 'map', values: 'int' })]),
    'type-changed',
    'f.{}',
    /^is int now/,
    /./,
  ],
  [
    'in a nullable record',
    record([field(['null', inner('In', [])])]),
    record([field(['null', inner('In', [{ name: 'n', type: 'string' }])])]),
    'field-missing',
    'f.n',
    /^is new/,
    /"default": ""/,
  ],
  [
    'an enum symbol is gone',
    record([field(enumOf(['A', 'B', 'C']))]),
    record([field(enumOf(['A']))]),
    'symbols-removed',
    'f',
    'B and C of enum test.E are gone, and the enum has no default',
    /^keep them, though nobody writes them any more; or give the enum a "default"/,
  ],
  [
    'a nested record is renamed',
    record([field(inner('Before', []))]),
    record([field(inner('After', []))]),
    'name-changed',
    'f',
    'is record test.After now and was record test.Before, with no alias',
    'keep the name, or add "aliases": ["test.Before"] to record test.After',
  ],
  [
    'a nullable record is renamed',
    record([field(['null', inner('Before', [])])]),
    record([field(['null', inner('After', [])])]),
    'name-changed',
    'f',
    /^is record test.After now/,
    /"test.Before"/,
  ],
  [
    'an enum is renamed',
    record([field(enumOf(['A']))]),
    record([field({ ...enumOf(['A']), name: 'Other' })]),
    'name-changed',
    'f',
    'is enum test.Other now and was enum test.E, with no alias',
    /"test.E"/,
  ],
  [
    'a field is renamed and moved, while another one is gone',
    record([{ name: 'count', type: 'long' }, field('int'), { name: 'total', type: 'long' }]),
    record([{ name: 'total_cents', type: 'long' }, field('int')]),
    'field-missing',
    'total_cents',
    /looks like a rename of `total`/,
    /"aliases": \["total"\]/,
  ],
  [
    'what only the codec refuses: items that take no bytes',
    record([field('int'), { name: 'g', type: { type: 'array', items: 'null' } }]),
    record([field('int')]),
    'unreadable',
    '',
    /^the two schemas cannot be compared: an array of items that take no bytes/,
    /./,
  ],
  [
    'the record itself is renamed',
    record([], { name: 'Other' }),
    record([]),
    'name-changed',
    '',
    'is record test.R now and was record test.Other, with no alias',
    /"test.Other"/,
  ],
  [
    'a fixed has another size',
    record([field(fixed('F', 4))]),
    record([field(fixed('F', 8))]),
    'size-changed',
    'f',
    'is fixed test.F (8 bytes) now and was fixed test.F (4 bytes): a fixed cannot be read in another size',
    /^keep the size/,
  ],
  [
    'a decimal has another scale',
    record([field(logical('bytes', 'decimal', { precision: 10, scale: 2 }))]),
    record([field(logical('bytes', 'decimal', { precision: 10, scale: 4 }))]),
    'logical-changed',
    'f',
    'is decimal(10, 4) now and was decimal(10, 2): the same bytes would mean something else (100 times), and nothing would notice',
    /^keep decimal\(10, 2\)/,
  ],
  [
    'a decimal has fewer digits',
    record([field(logical('bytes', 'decimal', { precision: 10, scale: 2 }))]),
    record([field(logical('bytes', 'decimal', { precision: 8, scale: 2 }))]),
    'logical-changed',
    'f',
    /^is decimal\(8, 2\) now and was decimal\(10, 2\)/,
    /./,
  ],
  [
    'millis become micros',
    record([field(logical('long', 'timestamp-millis'))]),
    record([field(logical('long', 'timestamp-micros'))]),
    'logical-changed',
    'f',
    'is timestamp-micros now and was timestamp-millis: the same bytes would mean something else (1,000 times), and nothing would notice',
    /^keep timestamp-millis/,
  ],
  [
    'a date becomes a time',
    record([field(logical('int', 'date'))]),
    record([field(logical('int', 'time-millis'))]),
    'logical-changed',
    'f',
    /^is time-millis now and was date: the same bytes would mean something else, and/,
    /./,
  ],
  [
    'two fields become one',
    record([
      { name: 'a', type: 'int' },
      { name: 'b', type: 'int' },
    ]),
    record([{ name: 'a', type: 'int', aliases: ['b'] }]),
    'alias-ambiguous',
    'a',
    'is one field now, and by its name and aliases a and b are all it',
    /./,
  ],
]

test.each(refusals)('cannot read: %s', (_name, before, now, kind, path, reason, fix) => {
  const { compatible, problems } = checkCompatibility(now, [json(now), json(before)])
  expect(compatible).toBe(false)
  const said = (text: string | RegExp) => (typeof text === 'string' ? text : expect.stringMatching(text))
  expect(problems).toMatchObject([{ version: 2, kind, path, reason: said(reason), fix: said(fix) }])
  expect(problems[0]!.place.record).toBe(path === '' || path.includes('.n') ? problems[0]!.place.record : 'test.R')
})

test('what is registered and no schema', () => {
  const now = record([field('int')])
  for (const [before, said] of [
    ['{', 'JSON'],
    ['{"type":"record","name":"R","fields":[{"name":"f","type":"Gone"}]}', 'there is no type Gone'],
    ['['.repeat(50_000) + ']'.repeat(50_000), 'stack'],
  ] as const) {
    const { problems } = checkCompatibility(now, [before])
    expect(problems).toMatchObject([{ kind: 'unreadable', path: '', reason: expect.stringContaining(said) }])
  }
})

test('records that hold each other several times over are compared in time', () => {
  const nest = (depth: number, leaf: string): unknown =>
    depth === 0
      ? leaf
      : inner(`N${depth}`, [
          { name: 'a', type: nest(depth - 1, leaf) },
          ...(depth === 1 ? [] : [0, 1, 2, 3].map(i => ({ name: `b${i}`, type: `N${depth - 1}` }))),
        ])
  const { problems } = checkCompatibility(record([field(nest(40, 'int'))]), [json(record([field(nest(40, 'string'))]))])
  expect(problems[0]).toMatchObject({ kind: 'type-changed', place: { record: 'test.N1', field: 'a' } })
  expect(problems.length).toBeLessThan(500)
})

test('a recursive schema is compared without end', () => {
  const tree = (value: string) =>
    record([
      { name: 'next', type: ['null', 'R'] },
      { name: 'v', type: value },
    ])
  expect(checkCompatibility(tree('int'), [json(tree('int'))]).compatible).toBe(true)
  expect(checkCompatibility(tree('int'), [json(tree('string'))]).problems.map(problem => problem.path)).toContain('v')
})

test('a rename that a default hides is told', () => {
  const before = record([{ name: 'total', type: 'int' }])
  const renamed = record([{ name: 'totalCents', type: 'int', default: 0 }])
  expect(checkCompatibility(renamed, [json(before)]).compatible).toBe(true)
  expect(renameWarnings(renamed, json(before))).toMatchObject([
    {
      path: 'totalCents',
      text: expect.stringContaining('add "aliases": ["total"]'),
      place: { record: 'test.R', field: 'totalCents' },
    },
  ])
  expect(renameWarnings(record([{ name: 'totalCents', type: 'int', default: 0, aliases: ['total'] }]), json(before))).toEqual([])
  expect(renameWarnings(record([{ name: 'total', type: 'int' }, field('string', { default: '' })]), json(before))).toEqual([])
})

describe('registering', () => {
  const first = record([field('int')])
  const second = record([field('int'), { name: 'g', type: 'int', default: 0 }])
  const third = record([field('int'), { name: 'g', type: 'string' }])

  test('twice changes nothing', async () => {
    const registry = memoryRegistry()
    const items = [{ subject: 's', schema: first }]
    expect(await registerSchemas(registry, items)).toEqual([{ subject: 's', name: 'test.R', id: 1, outcome: 'registered' }])
    expect(await registerSchemas(registry, items)).toEqual([{ subject: 's', name: 'test.R', id: 1, outcome: 'unchanged' }])
    expect(await registry.versions('s')).toEqual([{ version: 1, id: 1, schema: json(first) }])
  })

  test('one incompatible schema, and nothing at all is registered; every version is named', async () => {
    const registry = memoryRegistry()
    await registerSchemas(registry, [{ subject: 's', schema: first }])
    await registerSchemas(registry, [{ subject: 's', schema: second }])
    const attempt = registerSchemas(registry, [
      { subject: 'new', schema: first },
      { subject: 's', schema: third },
    ])
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'E_SCHEMA_INCOMPATIBLE' }))
    await expect(attempt).rejects.toThrow(
      /subject s, version 1 \(id 1\): test\.R\.g: is new[\s\S]*subject s, version 2 \(id 2\): test\.R\.g: is string now and was int/,
    )
    expect(await registry.versions('new')).toEqual([])
  })

  test("the registry's own stricter rule counts", async () => {
    const registry = { ...memoryRegistry(), isCompatible: async () => ({ compatible: false, messages: ['FULL is on'] }) }
    await expect(registerSchemas(registry, [{ subject: 's', schema: first }])).rejects.toThrow(
      'the registry refuses it: FULL is on',
    )
    expect(await registry.versions('s')).toEqual([])
  })

  test('two schemas for one subject in one go', async () => {
    const items = [
      { subject: 's', schema: first },
      { subject: 's', schema: second },
    ]
    await expect(registerSchemas(memoryRegistry(), items)).rejects.toThrow('the service has two schemas for this subject')
  })
})
