/** What a registry has said is kept on disk, and counts when it does not answer. */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { avroSchema } from '../../src/message/schema.ts'
import { type SignalMap, Signals } from '../../src/observe/signals.ts'
import { reachRegistry } from '../../src/process/registry-reach.ts'
import { until } from '../until.ts'
import { type Answer, registryThat, unavailable } from './registry-that.ts'

const schemaWith = (fields: object[]) =>
  avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields } })
const schema = schemaWith([])
const text = JSON.stringify(schema.avro)
const found: Answer = ({ what }) => [200, what.startsWith('GET') ? { schema: text } : { id: 7 }]
const unknown: Answer = () => [404, { error_code: 40403 }]

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'it-schemas-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.json'))
    .sort()
const written = (folder: string, count: number) =>
  until(() => filesIn(folder).length === count, { withinMs: 5_000, what: `${count} files` })

function listening() {
  const signals = new Signals()
  const fromDisk: SignalMap['schema.fromDisk'][] = []
  const troubles: SignalMap['schemaFolder.failed'][] = []
  signals.on('schema.fromDisk', signal => fromDisk.push(signal))
  signals.on('schemaFolder.failed', signal => troubles.push(signal))
  return { signals, fromDisk, troubles }
}

/** A registry that was asked for id 5 and for the id of `schema`, by a process that has ended. `answer`: from now on. */
async function known(folder = newFolder()) {
  const now: { answer: Answer } = { answer: found }
  const server = await registryThat(about => now.answer(about), { folder, username: 'me', password: 'hunter2' })
  const before = filesIn(folder).length
  expect([await server.registry.schemaById(5), await server.registry.idOf('a/b c', schema)]).toEqual([text, 7])
  await written(folder, before + 2)
  const heard = listening()
  return { ...server, ...heard, folder, now, next: () => server.connect({ signals: heard.signals }) }
}

test.each<[string, Answer | undefined]>([
  ['refuses connections', undefined],
  ['answers 500', () => [500, {}]],
  ['answers 401', () => [401, {}]],
])('the next process starts and works while the registry %s', async (_name, answer) => {
  const { next, now, end, fromDisk, troubles } = await known()
  if (answer) now.answer = answer
  else await end()
  const registry = next()
  expect(await reachRegistry(registry)).toEqual({ kept: 2, error: unavailable('') })
  expect([await registry.schemaById(5), await registry.idOf('a/b c', schema)]).toEqual([text, 7])
  expect(await registry.schemaById(5)).toBe(text)
  expect(fromDisk).toEqual([
    { schemaId: 5, error: unavailable('') },
    { schemaId: 7, error: unavailable('') },
  ])
  // What it was never asked for it cannot say.
  await expect(registry.schemaById(6)).rejects.toThrow(unavailable(''))
  await expect(registry.idOf('other', schema)).rejects.toThrow(unavailable(''))
  await expect(registry.idOf('a/b c', schemaWith([{ name: 'x', type: 'int', default: 1 }]))).rejects.toThrow(unavailable(''))
  expect(troubles).toEqual([])
})

test('without anything on disk a start says that the registry is away', async () => {
  const { connect, end } = await registryThat(found)
  await end()
  await expect(reachRegistry(connect({ folder: newFolder() }))).rejects.toThrow(unavailable('ECONNREFUSED'))
  await expect(reachRegistry(connect())).rejects.toThrow(unavailable('ECONNREFUSED'))
})

test('what a process left behind that ended as it wrote is not something', async () => {
  const { folder, next, end } = await known()
  for (const name of filesIn(folder)) renameSync(join(folder, name), join(folder, `${name}.5c3a`))
  await end()
  await expect(reachRegistry(next())).rejects.toThrow(unavailable('ECONNREFUSED'))
})

test('a registry that answers is believed, whatever is on disk; what it says now is kept', async () => {
  const { next, now, folder, fromDisk } = await known()
  now.answer = ({ what }) => [200, what.startsWith('GET') ? { schema: '"int"' } : { id: 8 }]
  const asItWas = openSync(join(folder, filesIn(folder).find(name => name.endsWith('5.json'))!), 'r')
  onTestFinished(() => closeSync(asItWas))
  const registry = next()
  expect(await reachRegistry(registry)).toBe('answers')
  expect([await registry.schemaById(5), await registry.idOf('a/b c', schema)]).toEqual(['"int"', 8])
  const contents = () => filesIn(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  await until(() => contents().every(content => /"id":(8\b|5,"schema":"\\"int)/.test(content)), {
    withinMs: 5_000,
    what: 'both to be written anew',
  })
  expect(fromDisk).toEqual([])
  // Whoever reads it just now reads one or the other, never a piece of each.
  expect(JSON.parse(readFileSync(asItWas, 'utf8'))).toMatchObject({ id: 5, schema: text })
})

test('what is on disk already is not written again', async () => {
  const { next, folder } = await known()
  const inodes = () => filesIn(folder).map(name => [name, statSync(join(folder, name)).ino])
  const before = inodes()
  const registry = next()
  expect([await registry.schemaById(5), await registry.idOf('a/b c', schema)]).toEqual([text, 7])
  // Which is written after these would be.
  await registry.schemaById(6)
  await written(folder, 3)
  expect(inodes()).toEqual(expect.arrayContaining(before))
})

test('an id that the registry has forgotten is read from disk; one that it never knew is not kept', async () => {
  const { next, now, folder } = await known()
  now.answer = unknown
  const registry = next()
  expect(await registry.schemaById(5)).toBe(text)
  await expect(registry.schemaById(6)).rejects.toThrow(expect.objectContaining({ code: 'E_UNKNOWN_SCHEMA_ID' }))
  // What is published must be readable for others.
  await expect(registry.idOf('a/b c', schema)).rejects.toThrow(expect.objectContaining({ code: 'E_SCHEMA_NOT_REGISTERED' }))
  expect(filesIn(folder)).toHaveLength(2)
})

test('an id that was given at registering is kept too', async () => {
  const folder = newFolder()
  const { registry, connect, end } = await registryThat(() => [200, { id: 7 }], { folder })
  await registry.register('a/b c', schema)
  await written(folder, 1)
  await end()
  expect(await connect().idOf('a/b c', schema)).toBe(7)
})

test('two registries share a folder, and never their ids', async () => {
  const { folder } = await known()
  const other = await known(folder)
  expect(filesIn(folder)).toHaveLength(4)
  await other.end()
  expect(await other.next().schemaById(5)).toBe(text)
  const third = await registryThat(() => [503, {}], { folder })
  await expect(third.registry.schemaById(5)).rejects.toThrow(unavailable('503'))
  await expect(third.registry.idOf('a/b c', schema)).rejects.toThrow(unavailable('503'))
})

test('no credentials, no address and no subject in a name; only the owner can read', async () => {
  const { folder, host, next, now } = await known()
  const everything = filesIn(folder).map(name => `${name} ${readFileSync(join(folder, name), 'utf8')}`)
  expect(everything.join('\n')).not.toMatch(new RegExp(`hunter2|\\bme\\b|${host}|a/b c/`))
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    expect(statSync(join(folder, name)).mode & 0o077).toBe(0)
  // Other credentials, same registry.
  now.answer = () => [401, {}]
  expect(await next().schemaById(5)).toBe(text)
})

describe('a file that cannot be used', () => {
  test.each<[string, (content: string) => string]>([
    ['torn', content => content.slice(0, 40)],
    ['empty', () => ''],
    ['of another id', content => content.replace('"id":5', '"id":6')],
    ['with another schema', content => content.replace('test', 'tesu')],
    ['JSON, but nothing of ours', () => 'null'],
    ['of 40 MiB', content => content + ' '.repeat(40 << 20)],
  ])('%s: it is told once, and the schema is fetched again', async (_name, damage) => {
    const { folder, next, now, troubles } = await known()
    const path = join(folder, filesIn(folder).find(name => name.endsWith('5.json'))!)
    const whole = readFileSync(path, 'utf8')
    writeFileSync(path, damage(whole))
    now.answer = () => [503, {}]
    const registry = next()
    await expect(registry.schemaById(5)).rejects.toThrow(unavailable('503'))
    expect(troubles).toEqual([{ what: 'read', path, error: expect.anything() }])
    now.answer = found
    const again = next()
    expect(await again.schemaById(5)).toBe(text)
    await until(() => readFileSync(path, 'utf8') === whole, { withinMs: 5_000, what: 'it to be whole again' })
  })

  test.each<[string, (content: string) => string]>([
    ['of another subject', content => content.replace('a/b c', 'a/b d')],
    ['of another schema', content => content.replace(/"schema":"./, '"schema":"x')],
    ['without an id', content => content.replace('"id"', '"no"')],
    ['an id that is a text', content => content.replace('"id":7', '"id":"7"')],
    ['an id below 0', content => content.replace('"id":7', '"id":-7')],
    ['an id that does not fit into its four bytes', content => content.replace('"id":7', '"id":4294967296')],
  ])('the id of a subject, %s', async (_name, damage) => {
    const { folder, next, now, troubles } = await known()
    const path = join(folder, filesIn(folder).find(name => name.includes('ids'))!)
    writeFileSync(path, damage(readFileSync(path, 'utf8')))
    now.answer = () => [503, {}]
    await expect(next().idOf('a/b c', schema)).rejects.toThrow(unavailable('503'))
    expect(troubles).toEqual([{ what: 'read', path, error: expect.anything() }])
  })
})

test('a folder that cannot be written is told once, and stops nothing', async () => {
  const folder = newFolder()
  // A file where a folder should be: also for whoever may write everywhere.
  const blocked = join(folder, 'file')
  writeFileSync(blocked, '')
  const { signals, troubles } = listening()
  const { registry } = await registryThat(found, { folder: join(blocked, 'schemas'), signals })
  expect([await registry.schemaById(5), await registry.schemaById(6), await registry.idOf('s', schema)]).toEqual([text, text, 7])
  await until(() => troubles.length > 0, { withinMs: 5_000, what: 'the trouble to be told' })
  expect(await registry.schemaById(8)).toBe(text)
  expect(troubles).toEqual([{ what: 'write', path: expect.stringContaining(blocked), error: expect.anything() }])
  expect(await registry.kept()).toBe(0)
})

test('a folder that is read-only is still read', async () => {
  const { folder, end, next, troubles } = await known()
  for (const part of ['', ...readdirSync(folder)]) chmodSync(join(folder, part), 0o500)
  onTestFinished(() => {
    for (const part of ['', ...readdirSync(folder)]) chmodSync(join(folder, part), 0o700)
  })
  await end()
  expect(await next().schemaById(5)).toBe(text)
  expect(troubles).toEqual([])
})

test('nothing of an attempt to write is left behind', async () => {
  const folder = newFolder()
  const { registry, connect } = await registryThat(found, { folder })
  await Promise.all([registry, connect(), connect()].map(one => one.schemaById(5)))
  await written(folder, 1)
  const [part] = readdirSync(folder)
  await until(() => readdirSync(join(folder, part!, 'schemas')).length === 1, { withinMs: 5_000, what: 'one file' })
  // In its place stands something that is no file.
  mkdirSync(join(folder, part!, 'schemas', '6.json'))
  const { signals, troubles } = listening()
  expect(await connect({ signals }).schemaById(6)).toBe(text)
  await until(() => troubles.length === 1, { withinMs: 5_000, what: 'the trouble to be told' })
  expect(readdirSync(join(folder, part!, 'schemas')).sort()).toEqual(['5.json', '6.json'])
})
