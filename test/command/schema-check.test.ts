/** `spillway schema check`, `diff` and `list` as a user calls them, on a registry in memory, a folder or a git ref. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { avroSchema, event, topic } from 'spillway'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { CommandContext, openContext } from '../../src/command/context.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { schemaCommand } from '../../src/command/schema.ts'
import { schemaCheckCommand } from '../../src/command/schema-check.ts'
import { schemaDiffCommand } from '../../src/command/schema-diff.ts'
import { schemaListCommand } from '../../src/command/schema-list.ts'
import { defineService } from '../../src/config.ts'
import { RegistryUnavailable } from '../../src/errors.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { registerSchemas } from '../../src/schema/register.ts'
import type { SchemaRegistry } from '../../src/schema/registry.ts'
import { catchSaid } from './said.ts'

const id = { name: 'id', type: 'string' }
const qty = { name: 'qty', type: 'long' }
const avroOf = (name: string, fields: readonly object[]) => ({ type: 'record', name, namespace: 'shop', fields })
const schemaOf = (name: string, fields: readonly object[]) =>
  avroSchema<string, { id: string }, { id: string }>({ name: `shop.${name}`, long: 'bigint', avro: avroOf(name, fields) })

const subject = 'orders-shop.Placed'

/** The service publishes Placed with these fields; its files are in `schemas` of a folder, which is the working directory. */
function terminal(fields: readonly object[], registry: SchemaRegistry = memoryRegistry()) {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-gate-'))
  const said = catchSaid()
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
  vi.stubEnv('GITHUB_ACTIONS', undefined)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
  const write = (where: string, name: string, now: readonly object[]) => {
    mkdirSync(join(folder, where), { recursive: true })
    writeFileSync(join(folder, where, `${name}.avsc`), JSON.stringify(avroOf(name, now), null, 2))
  }
  write('schemas', 'Placed', fields)
  const placed = event(schemaOf('Placed', fields), { topic: topic('orders', { partitions: 1 }), key: 'id' })
  const service = defineService({ name: 'shop', messages: [placed] })
  const context = {
    service: async () => service,
    get broker() {
      throw new Error('no broker is needed')
    },
    registry,
    close: async () => {},
  }
  const open = (async () => context as unknown as CommandContext) as typeof openContext
  const schema = async (...args: string[]) => {
    said.out = said.err = ''
    const commands = schemaCommand()
      .addCommand(schemaCheckCommand(open))
      .addCommand(schemaDiffCommand(open))
      .addCommand(schemaListCommand(open))
    const dir = ['check', 'diff'].includes(args[0]!) ? ['--dir', join(folder, 'schemas')] : []
    return runProgram(buildProgram([commands]), ['node', 'spillway', 'schema', ...args, ...dir], text => text, false)
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=it', '-c', 'user.email=it@it', ...args], { cwd: folder })
  return { folder, said, write, schema, git }
}

async function registered(...versions: (readonly object[])[]): Promise<SchemaRegistry> {
  const registry = memoryRegistry()
  for (const fields of versions) await registerSchemas(registry, [{ subject, schema: schemaOf('Placed', fields) }])
  return registry
}

const noRegistry = new Proxy({} as SchemaRegistry, {
  get: () => {
    throw new Error('no registry is needed')
  },
})

test('against the registry: what is refused, with which version, where it stands, and what to do', async () => {
  const { schema, said, folder } = terminal([id, qty, { name: 'note', type: 'string' }], await registered([id, qty]))
  expect(await schema('check')).toBe(5)
  expect(said.out).toBe(
    [
      `✗ ${subject}: not compatible`,
      '    shop.Placed.note: is new and has no default: what was written without it cannot be read',
      `      reader: this build; writer: version 1 (id 1); ${folder}/schemas/Placed.avsc:15`,
      '      fix: give it a default, such as "default": ""',
      '',
    ].join('\n'),
  )
  expect(said.err).toBe('1 of 1 subjects are not compatible (BACKWARD_TRANSITIVE, against registry)\n')
  expect(await schema('check', '--level', 'NONE')).toBe(5)
  expect(said.out).toContain('the registry refuses it')
  expect(await schema('check', '--level', 'SOME')).toBe(64)

  const lenient = { ...(await registered([id, qty])), isCompatible: async () => ({ compatible: true, messages: [] }) }
  const other = terminal([id, qty, { name: 'note', type: 'string' }], lenient)
  expect(await other.schema('check', '--level', 'FORWARD')).toBe(0)
  expect(other.said.out).toBe(`✓ ${subject}: compatible with version 1 (id 1)\n`)
})

test('as JSON', async () => {
  const { schema, said, folder } = terminal(
    [id, { ...qty, type: 'int' }],
    await registered([id, qty], [id, qty, { name: 'a', type: 'int', default: 0 }]),
  )
  expect(await schema('check', '-o', 'json')).toBe(5)
  const problem = {
    kind: 'type-narrowed',
    direction: 'backward',
    path: 'qty',
    reason: 'is int now and was long: it holds less than what was written may need',
    fix: 'keep long; or add a field of another name as int, with a default',
    reader: 'this build',
    file: join(folder, 'schemas/Placed.avsc'),
    line: 11,
  }
  expect(JSON.parse(said.out)).toEqual({
    apiVersion: 'v1',
    kind: 'SchemaCheckList',
    items: [
      {
        subject,
        type: 'shop.Placed',
        against: 'registry',
        level: 'BACKWARD_TRANSITIVE',
        state: 'changed',
        compatible: false,
        comparedWith: ['version 1 (id 1)', 'version 2 (id 2)'],
        problems: [1, 2].map(version => ({ ...problem, writer: `version ${version} (id ${version})`, version, id: version })),
        warnings: [],
      },
    ],
  })
})

test('passes: new, unchanged, changed, with a warning', async () => {
  const renamed = [id, { name: 'quantity', type: 'long', default: 0 }]
  expect(await terminal([id]).schema('check')).toBe(0)
  const same = terminal([id, qty], await registered([id, qty]))
  expect(await same.schema('check')).toBe(0)
  expect(same.said.out).toBe(`✓ ${subject}: unchanged\n`)
  const { schema, said } = terminal(renamed, await registered([id, { name: 'quantities', type: 'long' }]))
  expect(await schema('check')).toBe(0)
  expect(said.out).toContain('warning: shop.Placed.quantity: is new and looks like a rename of `quantities`')
})

test('a registry that is away is no verdict', async () => {
  const away = () => Promise.reject(new RegistryUnavailable('away'))
  const { schema, said } = terminal([id], { ...memoryRegistry(), versions: away })
  expect(await schema('check')).toBe(3)
  expect(await schema('diff')).toBe(3)
  expect(await schema('list')).toBe(3)
  expect(said.out).toBe('')
})

test('against a folder and a git ref: neither broker nor registry', async () => {
  const { schema, said, write, git, folder } = terminal([id], noRegistry)
  write('before', 'Placed', [id, qty])
  write('before', 'Gone', [id])
  expect(await schema('check', '--against', join(folder, 'before'))).toBe(0)
  expect(said.out).toBe(`✓ ${subject}: compatible with ${folder}/before/Placed.avsc\n`)
  expect(said.err).toContain('note: shop.Gone is gone in this build')
  expect(await schema('check', '--against', join(folder, 'before'), '--level', 'FULL')).toBe(5)

  git('init', '-q', '-b', 'trunk')
  write('schemas', 'Placed', [{ ...id, type: 'int' }])
  git('add', '.')
  git('commit', '-qm', 'first')
  write('schemas', 'Placed', [id])
  expect(await schema('check', '--against', 'git:trunk')).toBe(5)
  expect(said.out).toContain('writer: schemas/Placed.avsc at trunk')
  expect(await schema('diff', '--against', 'git:trunk')).toBe(0)
  expect(said.out).toBe(`${subject}: changed since schemas/Placed.avsc at trunk\n    shop.Placed.id: int -> string\n`)
  expect(await schema('check', '--against', 'git:nowhere')).toBe(64)
  expect(said.err).toContain('E_GIT')
  expect(await schema('check', '--against', 'registery')).toBe(64)
  expect(said.err).toContain('--against takes registry, git:<ref> or a folder')
})

test('annotations in GitHub Actions, and only there', async () => {
  const { schema, said, folder } = terminal([id, { name: 'note', type: 'string' }], await registered([id]))
  vi.stubEnv('GITHUB_ACTIONS', 'true')
  vi.stubEnv('GITHUB_WORKSPACE', folder)
  expect(await schema('check', '-o', 'json')).toBe(5)
  expect(JSON.parse(said.out).items).toHaveLength(1)
  expect(said.err.split('\n')[0]).toBe(
    `::error file=schemas/Placed.avsc,line=11,title=${subject} is not compatible::shop.Placed.note is new and has no default: what was written without it cannot be read (version 1 (id 1))%0Agive it a default, such as "default": ""`,
  )
  vi.stubEnv('GITHUB_ACTIONS', 'false')
  await schema('check')
  expect(said.err).not.toContain('::error')
})

test('diff against the latest version, and list', async () => {
  const { schema, said } = terminal([id, { ...qty, default: 1 }], await registered([id, qty], [id]))
  expect(await schema('diff')).toBe(0)
  expect(said.out).toBe(`${subject}: changed since version 2 (id 2)\n    shop.Placed.qty: added, long with default 1\n`)
  expect(await schema('diff', '-o', 'json')).toBe(0)
  expect(JSON.parse(said.out)).toEqual({
    apiVersion: 'v1',
    kind: 'SchemaDiffList',
    items: [
      {
        subject,
        type: 'shop.Placed',
        state: 'changed',
        from: 'version 2 (id 2)',
        changes: [{ kind: 'added', path: 'qty', text: 'added, long with default 1' }],
      },
    ],
  })
  expect(await schema('list')).toBe(0)
  expect(said.out).toMatch(/SUBJECT .*\norders-shop.Placed +shop.Placed +2 +2 +2 +not registered\n/)
  expect(said.err).toBe('register with: spillway schema register\n')

  const old = terminal([id, qty], await registered([id, qty], [id]))
  expect(await old.schema('list', '-o', 'json')).toBe(0)
  expect(JSON.parse(old.said.out)).toEqual({
    apiVersion: 'v1',
    kind: 'SchemaList',
    items: [
      {
        subject,
        type: 'shop.Placed',
        topic: 'orders',
        versions: [
          { version: 1, id: 1 },
          { version: 2, id: 2 },
        ],
        latest: { version: 2, id: 2 },
        registered: { version: 1, id: 1 },
      },
    ],
  })
})
