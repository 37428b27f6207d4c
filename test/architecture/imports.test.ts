import { expect, test } from 'vitest'
import { importCycle, reachedFrom, wallsCrossed } from './rooms.ts'
import { importsOf, sourceFiles } from './sources.ts'

const src = sourceFiles('src')
const crossed = (path: string, text: string) => wallsCrossed([{ path, text }])

test('every room imports only what the table allows', () => {
  expect(src.length).toBeGreaterThan(10)
  expect(wallsCrossed(src)).toEqual([])
})

test('no file imports itself by way of others, types included', () => {
  expect(importCycle(src)).toBeUndefined()
})

test('nothing but the entry for tracing needs OpenTelemetry, whoever gets it along with something else', () => {
  const needs = (entry: string) => reachedFrom(src, entry).includes('@opentelemetry/api')
  expect(['src/index.ts', 'src/testing.ts', 'src/cli.ts'].filter(needs)).toEqual([])
  expect(needs('src/tracing.ts')).toBe(true)
})

test('the check sees an import of every form', () => {
  const text = [
    `import { a } from './a.ts'`,
    `import type { B } from '../dlq/b.ts'`,
    `import {`,
    `  c,`,
    `  type D,`,
    `} from 'kafkajs'`,
    `import 'node:fs'`,
    `export { e } from './deep/e.ts'`,
    `export * from '../f.ts'`,
    `export type { G } from './g.ts'`,
    `const h = await import('./h.ts')`,
    `type I = import('./i.ts').I`,
    `// import { no } from './comment.ts'`,
    `/** import { no } from './docstring.ts' */`,
    `export const from = 'nowhere'`,
  ].join('\n')
  const found = [
    'src/topic/a.ts',
    'src/dlq/b.ts',
    'kafkajs',
    'node:fs',
    'src/topic/deep/e.ts',
    'src/f.ts',
    'src/topic/g.ts',
    'src/topic/h.ts',
    'src/topic/i.ts',
  ]
  expect(importsOf({ path: 'src/topic/x.ts', text })).toEqual(found)
})

test.each([
  ['src/consume/loop.ts', `import type { Tier } from '../retry/tier.ts'`],
  ['src/consume/loop.ts', `import { bury } from '../dlq/write.ts'`],
  ['src/consume/loop.ts', `import { Publisher } from '../produce/publisher.ts'`],
  ['src/dlq/read.ts', `import { decode } from '../schema/codec.ts'`],
  ['src/redrive/run.ts', `import type { Codec } from '../schema/codec.ts'`],
  ['src/message/key.ts', `import { tierTopic } from '../topic/names.ts'`],
  ['src/process/run.ts', `import { main } from '../cli.ts'`],
  ['src/replay/run.ts', `import { topic } from '../index.ts'`],
  ['src/broker/memory/broker.ts', `import { Kafka } from 'kafkajs'`],
  ['src/broker/kafkajs/connect.ts', `import avsc from 'avsc'`],
  ['src/consume/decode.ts', `import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'`],
  ['src/produce/batch.ts', `import { Partitioners } from 'kafkajs/src/producer/index.js'`],
  ['src/consume/attempt.ts', `import { timeout } from '../middleware/timeout.ts'`],
  ['src/testing.ts', `import { tracing } from './middleware/tracing.ts'`],
  ['src/middleware/tracing.ts', `import { failureOf } from '../retry/failure.ts'`],
  ['src/process/process.ts', `import { trace } from '@opentelemetry/api'`],
  ['src/shiny/new.ts', `import { topic } from '../topic/names.ts'`],
])('the check catches %s: %s', (path, text) => {
  expect(crossed(path, text)).toHaveLength(1)
})

test.each([
  ['src/consume/loop.ts', `import { AssignmentLost } from '../errors.ts'`],
  ['src/retry/park.ts', `import type { Signals } from '../observe/signals.ts'`],
  ['src/broker/kafkajs/connect.ts', `import { Kafka } from 'kafkajs'`],
  ['src/retry/admit.ts', `import type { Admission } from '../consume/admission.ts'`],
  ['src/cli.ts', `import { run } from './command/run.ts'`],
])('the check lets %s pass: %s', (path, text) => {
  expect(crossed(path, text)).toEqual([])
})

test('the check finds a cycle of three, types included', () => {
  const files = [
    { path: 'src/topic/a.ts', text: `import { b } from './b.ts'` },
    { path: 'src/topic/b.ts', text: `import type { C } from './c.ts'` },
    { path: 'src/topic/c.ts', text: `export { a } from './a.ts'` },
  ]
  expect(importCycle(files)).toEqual(['src/topic/a.ts', 'src/topic/b.ts', 'src/topic/c.ts', 'src/topic/a.ts'])
  expect(importCycle(files.slice(0, 2))).toBeUndefined()
})
