import { describe, expect, test } from 'vitest'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import { checkCompatibility } from '../../src/schema/compatibility.ts'
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

test.each([
  ['a field without default is new', record([field('int')]), record([]), 'f', 'is not in the older schema and has no default'],
  ['the type differs', record([field('int')]), record([field('string')]), 'f', 'cannot read string as int'],
  ['no longer nullable', record([field('int')]), record([field(['null', 'int'])]), 'f', 'cannot read null as int'],
  ['long becomes int', record([field('int')]), record([field('long')]), 'f', 'cannot read long (bigint) as int'],
  [
    'in an array',
    record([field({ type: 'array', items: 'int' })]),
    record([field({ type: 'array', items: 'string' })]),
    'f.[]',
    'cannot read string as int',
  ],
  [
    'in a map',
    record([field({ type: 'map', values: 'int' })]),
    record([field({ type: 'map', values: 'string' })]),
    'f.{}',
    'cannot read string as int',
  ],
  [
    'in a nullable record',
    record([field(['null', { type: 'record', name: 'In', fields: [{ name: 'n', type: 'int' }] }])]),
    record([field(['null', { type: 'record', name: 'In', fields: [] }])]),
    'f.n',
    'is not in the older schema and has no default',
  ],
  [
    'an enum symbol is gone',
    record([field(enumOf(['A']))]),
    record([field(enumOf(['A', 'B', 'C']))]),
    'f',
    'B, C of enum test.E is gone',
  ],
  ['another name', record([]), record([], { name: 'Other' }), '', 'the record is test.R now and was test.Other, with no alias'],
])('cannot read: %s', (_name, now, before, path, reason) => {
  const { compatible, problems } = checkCompatibility(now, [json(now), json(before)])
  expect(compatible).toBe(false)
  expect(problems).toEqual([{ version: 2, path, reason: expect.stringContaining(reason) }])
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

describe('registering', () => {
  const first = record([field('int')])
  const second = record([field('int'), { name: 'g', type: 'int', default: 0 }])
  const third = record([field('int'), { name: 'g', type: 'string' }])

  test('twice changes nothing', async () => {
    const registry = memoryRegistry()
    const items = [{ subject: 's', schema: first }]
    expect(await registerSchemas(registry, items)).toEqual([{ subject: 's', name: 'test.R', id: 1, outcome: 'registered' }])
    expect(await registerSchemas(registry, items)).toEqual([{ subject: 's', name: 'test.R', id: 1, outcome: 'unchanged' }])
    expect(await registry.versions('s')).toEqual([json(first)])
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
      /subject s, version 1: test\.R\.g: is not in the older schema[\s\S]*subject s, version 2: test\.R\.g: cannot read int as string/,
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
    await expect(registerSchemas(memoryRegistry(), items)).rejects.toThrow('subject s: given two schemas')
  })
})
