import { expect, test } from 'vitest'
import { avroSchema } from '../../src/message/schema.ts'
import { schemaChanges } from '../../src/schema/schema-diff.ts'

const record = (fields: unknown[], more: object = {}) => ({ type: 'record', name: 'R', namespace: 'test', ...more, fields })
const field = (type: unknown, more: object = {}) => ({ name: 'f', type, ...more })

test.each([
  ['nothing', record([field('int')]), record([field('int')]), []],
  ['added with default', record([]), record([field('int', { default: 3 })]), ['f: added, int with default 3']],
  ['added without', record([]), record([field(['null', 'string'])]), ['f: added, string or null without default']],
  ['removed', record([field('int')]), record([]), ['f: removed, was int']],
  ['another type', record([field('int')]), record([field('long')]), ['f: int -> long']],
  [
    'a scale',
    record([field({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 })]),
    record([field({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 })]),
    ['f: decimal(9, 2) -> decimal(9, 3)'],
  ],
  [
    'another default',
    record([field('int', { default: 1 })]),
    record([field('int', { default: 2 })]),
    ['f: default 1 -> default 2'],
  ],
  ['renamed', record([field('int')]), record([{ name: 'g', type: 'int', aliases: ['f'] }]), ['g: was f, which is an alias now']],
  ['its doc', record([field('int')]), record([field('int', { doc: 'why' })]), ['f: its doc']],
  ['the record itself', record([]), record([], { doc: 'why', aliases: ['Old'] }), [': aliases: none -> test.Old', ': its doc']],
  [
    'symbols',
    record([field({ type: 'enum', name: 'E', symbols: ['A', 'B'] })]),
    record([field({ type: 'enum', name: 'E', symbols: ['A', 'C'], default: 'A' })]),
    ['f: test.E: C added', 'f: test.E: B removed', 'f: test.E: default none -> A'],
  ],
  [
    'inside an array of nullable records, told once',
    record([field({ type: 'array', items: ['null', { type: 'record', name: 'In', fields: [] }] }), { name: 'g', type: 'In' }]),
    record([
      field({ type: 'array', items: ['null', { type: 'record', name: 'In', fields: [{ name: 'n', type: 'int' }] }] }),
      { name: 'g', type: 'In' },
    ]),
    ['f.[].n: added, int without default'],
  ],
])('%s', (_name, before, now, changes) => {
  const schema = avroSchema({ name: 'test.R', long: 'bigint', avro: now })
  expect(schemaChanges(schema, JSON.stringify(before)).map(({ path, text }) => `${path}: ${text}`)).toEqual(changes)
})
