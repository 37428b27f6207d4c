/**
 * A build whose schema cannot read what was written is stopped before it is deployed: against the registry, a git ref or a folder,
 * and by the very records that wait for it in a tier, the DLQ and the unread part of the source.
 */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { avroSchema, consumer, DeadLetter, defineService, event, on, type Processor, type Topic, topic } from 'spillway'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { CommandContext, openContext } from '../../src/command/context.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { schemaCommand } from '../../src/command/schema.ts'
import { schemaCheckCommand } from '../../src/command/schema-check.ts'
import { registerService } from '../../src/command/schema-register.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs, type Scenario } from './harness.ts'

interface Step {
  id: string
  n: number
}

const fields = [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int' },
]
const schemaOf = (...more: object[]) =>
  avroSchema<string, Step, Step>({
    name: 'it.Gated',
    long: 'number',
    avro: { type: 'record', name: 'Gated', namespace: 'it', fields: [...fields, ...more] },
  })
const needsNote = schemaOf({ name: 'note', type: 'string' })
const mended = schemaOf({ name: 'note', type: 'string', default: '' })

/** `spillway schema check ... -o json` of a build, by this process. */
async function check({ broker, registry }: Scenario, processors: readonly Processor[], ...args: string[]) {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    out += text
    return true
  })
  const note = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const service = defineService({ name: 'gated', processors })
  const context = { broker, registry, service: async () => service, close: async () => {} }
  const open = (async () => context as unknown as CommandContext) as typeof openContext
  const program = buildProgram([schemaCommand().addCommand(schemaCheckCommand(open))])
  const argv = ['node', 'spillway', 'schema', 'check', ...args, '-o', 'json']
  const code = await runProgram(program, argv, text => text, false)
  write.mockRestore()
  note.mockRestore()
  return { code, items: JSON.parse(out).items }
}

const addresses = (some: readonly { topic: string; partition: number; offset: bigint | string }[]) =>
  some.map(({ topic, partition, offset }) => `${topic} ${partition}:${offset}`).sort()

const build = (group: string, steps: Topic, schema: typeof needsNote, handle: (step: Step) => void = () => {}) => {
  const placed = event(schema, { topic: steps, key: 'id' })
  return { placed, group: consumer(group, [on(placed, handle)], { retry: { tiers: ['1h'] } }) }
}

test('against the registry, and register refuses the same', async () => {
  const scenario = await openScenario()
  const steps = topic(unique('gated'), { partitions: 1 })
  const name = unique('gate')
  const first = build(name, steps, schemaOf())
  await scenario.prepare([first.group])
  const refused = await check(scenario, [build(name, steps, needsNote).group])
  expect(refused.code).toBe(5)
  expect(refused.items).toMatchObject([
    { subject: `${steps.name}-it.Gated`, compatible: false, problems: [{ kind: 'field-missing', path: 'note', version: 1 }] },
  ])
  expect(refused.items[0].problems[0].id).toBe(await scenario.registry.idOf(`${steps.name}-it.Gated`, first.placed.schema))
  const second = defineService({ name: 'gated', processors: [build(name, steps, needsNote).group] })
  await expect(registerService(scenario.registry, second)).rejects.toThrow(
    expect.objectContaining({ code: 'E_SCHEMA_INCOMPATIBLE' }),
  )
  const third = build(name, steps, mended).group
  expect((await check(scenario, [third])).code).toBe(0)
  await registerService(scenario.registry, defineService({ name: 'gated', processors: [third] }))
  expect(await check(scenario, [third])).toMatchObject({ code: 0, items: [{ state: 'unchanged' }] })
})

test('against a folder and a git ref, with no broker and no registry', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'it-gate-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=it', '-c', 'user.email=it@it', ...args], { cwd: folder })
  const file = join(folder, 'schemas/OrderCancelled.avsc')
  const now = readFileSync(file, 'utf8')
  const before = JSON.parse(now) as { fields: { name: string; type: unknown }[] }
  const gone = before.fields.findIndex(field => !('default' in field))
  const { name } = before.fields.splice(gone, 1)[0]!
  writeFileSync(file, JSON.stringify(before))
  git('init', '-q', '-b', 'before')
  git('add', '.')
  git('commit', '-qm', 'before')
  const env = { PATH: process.env.PATH, GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: folder }
  const config = join(root, 'examples/retail/spillway.config.ts')
  const run = (against: string) =>
    new Promise<{ code: number; stdout: string; stderr: string }>(resolve =>
      execFile(
        process.execPath,
        [join(root, 'dist/cli.js'), 'schema', 'check', '--against', against, '--config', config],
        { cwd: folder, env },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      ),
    )
  cpSync(join(folder, 'schemas'), join(folder, 'before'), { recursive: true })
  writeFileSync(file, now)
  const line = now.split('\n').findIndex(text => text.includes(`"name": "${name}"`)) + 1
  for (const against of ['git:before', 'before']) {
    const { code, stdout, stderr } = await run(against)
    expect(code).toBe(5)
    expect(stdout).toContain(`retail.OrderCancelled.${name}: is new and has no default`)
    expect(stderr).toContain(`::error file=schemas/OrderCancelled.avsc,line=${line},title=`)
  }
  git('commit', '-qam', 'after')
  expect(await run('git:HEAD')).toMatchObject({ code: 0, stderr: '' })
  expect((await run('git:nowhere')).code).toBe(64)
})

test('by the records in flight: exactly those that this build cannot read, and nobody notices', async () => {
  const scenario = await openScenario()
  const { broker, admin, client, prepare, run, records, redrive, put } = scenario
  const steps = topic(unique('gated'), { partitions: 2 })
  const name = unique('inflight')
  const first = build(name, steps, schemaOf(), ({ id }) => {
    if (id === 'waits') throw new Error('later')
    if (id === 'dies') throw new DeadLetter('never')
  })
  await prepare([first.group])
  const { publish } = client.publisher(first.placed)
  for (const [n, id] of ['well', 'waits', 'dies', 'well', 'waits'].entries()) await publish({ id, n })
  const process = await run([first.group])
  const { dlq } = first.group.ladder
  const tier = `${name}.retry.1h`
  const all = async () => (await Promise.all([records(tier), records(dlq)])).map(({ length }) => length)
  await until(async () => String(await all()) === '2,1', { withinMs: patienceMs, what: 'two to wait and one to die' })
  await process.stop()
  await publish({ id: 'well', n: 9 })
  await publish({ id: 'late', n: 9 })

  const standing = async () => {
    const topics = [steps.name, tier, `${name}.retry.0s`]
    const committed = await admin.committed(name, topics)
    return [await admin.groups([name]), addresses(committed), committed.map(({ metadata }) => metadata).sort()]
  }
  const committed = await admin.committed(name, [steps.name])
  const late = (await records(steps.name)).filter(
    ({ partition, offset }) => offset >= committed.find(one => one.partition === partition)!.offset,
  )
  expect(late).toHaveLength(2)
  const wanted = addresses([...(await records(tier)), ...(await records(dlq)), ...late])

  const before = await standing()
  const next = build(name, steps, needsNote).group
  const refused = await check(scenario, [next], '--in-flight')
  expect(refused.code).toBe(5)
  expect(refused.items).toMatchObject([{ group: name, failed: 5, complete: true }])
  expect(addresses(refused.items[0].failing)).toEqual(wanted)
  const schemaId = await scenario.registry.idOf(`${steps.name}-it.Gated`, first.placed.schema)
  for (const one of refused.items[0].failing) expect(one).toMatchObject({ kind: 'schema', path: 'note', schemaId })
  expect(await standing()).toEqual(before)
  expect(await check(scenario, [build(name, steps, mended).group], '--in-flight')).toMatchObject({
    code: 0,
    items: [{ readable: 5, failed: 0 }],
  })

  // They are gone when the letter was moved, and the group has got past the others.
  await redrive(name)
  const ends = await Promise.all(
    [steps.name, tier, `${name}.retry.0s`].map(async topic =>
      (await admin.bounds(topic)).map(({ partition, high }) => ({ topic, partition, offset: high, metadata: '' })),
    ),
  )
  await admin.commit(name, ends.flat())
  expect(await check(scenario, [next], '--in-flight')).toMatchObject({ code: 0, items: [{ readable: 0, failed: 0 }] })

  await put(steps.name, { value: Buffer.from('no Avro'), partition: 1 })
  expect(await check(scenario, [next], '--in-flight')).toMatchObject({
    code: 5,
    items: [{ failed: 1, failing: [{ kind: 'bytes', topic: steps.name, partition: 1 }] }],
  })
  expect((await broker.admin().groups([name]))[0]?.members).toBe(0)
})
