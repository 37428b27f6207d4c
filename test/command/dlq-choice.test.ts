/** A choice of letters on the command line: list, export, redrive and purge in memory. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Broker } from '../../src/broker/port.ts'
import type { CommandContext } from '../../src/command/context.ts'
import { dlqCommand } from '../../src/command/dlq.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { defineService } from '../../src/config.ts'
import { consumer, on } from '../../src/consume/processor.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { event } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { brokerWithTopics, bury, buryValue, group, sourceOf, valuesOf } from '../dlq/letters.ts'

const schema = <Name extends string>(name: Name) => {
  const fields = [{ name: 'id', type: 'string' }]
  const avro = { type: 'record', name, namespace: 'shop', fields }
  return avroSchema<`shop.${Name}`, { id: string }, { id: string }>({ name: `shop.${name}`, avro, long: 'bigint' })
}
const [Placed, Gone] = [schema('Placed'), schema('Gone')]
const placed = event(Placed, { topic: 'orders', key: 'id' })
const service = defineService({ name: 'shop', processors: [consumer(group, [on(placed, () => {})])] })

let broker: Broker
let registry: ReturnType<typeof memoryRegistry> | undefined
let folder: string
let out = ''
let err = ''

beforeEach(async () => {
  broker = await brokerWithTopics(2)
  registry = undefined
  folder = mkdtempSync(join(tmpdir(), 'dlq-choice-'))
  for (const [name, write] of [
    ['stdout', (text: string) => (out += text)],
    ['stderr', (text: string) => (err += text)],
  ] as const)
    vi.spyOn(process[name], 'write').mockImplementation(text => write(String(text)) !== undefined)
})

afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

async function dlq(...args: string[]): Promise<number> {
  out = err = ''
  const context = {
    service: async () => service,
    hasService: true,
    broker,
    get registry() {
      if (registry) return registry
      throw new Error('there is no registry')
    },
    close: async () => {},
  }
  const program = buildProgram([dlqCommand(async () => context as unknown as CommandContext)])
  return runProgram(program, ['node', 'spillway', 'dlq', ...args], text => text, false)
}

const items = () => (JSON.parse(out) as { items: Record<string, unknown>[] }).items
const lettersLeft = async () => (await countLetters(sourceOf(broker))).left

test('list by type and by schema, in one shape; undecodable letters have neither, tombstones no schema', async () => {
  registry = memoryRegistry()
  const [placedId, goneId] = [await registry.register('a', Placed), await registry.register('b', Gone)]
  await buryValue(broker, 0, codecOf(Placed).encode(placedId, { id: 'a' }))
  await buryValue(broker, 0, codecOf(Placed).encode(placedId, { id: 'b' }))
  await buryValue(broker, 1, codecOf(Gone).encode(goneId, { id: 'c' }))
  await buryValue(broker, 1, Buffer.from([0, 0, 0, 0, 99]))
  await buryValue(broker, 1, null)
  const shape = [
    'group',
    'by',
    'fingerprint',
    'type',
    'schemaId',
    'others',
    'letters',
    'dispositions',
    'errorClass',
    'errorMessage',
  ]
  const seen = async (by: string) => {
    expect(await dlq('list', group, '--by', by, '-o', 'json')).toBe(0)
    for (const item of items()) expect(Object.keys(item)).toEqual([...shape, 'firstSeen', 'lastSeen', 'oldest'])
    return items().map(({ fingerprint, type, schemaId, letters, oldest }) => [fingerprint, type, schemaId, letters, oldest])
  }
  expect(await seen('fingerprint')).toEqual([['abc123', null, null, 5, '0:0']])
  expect(await seen('type')).toEqual([
    [null, 'shop.Placed', null, 2, '0:0'],
    [null, 'shop.Gone', null, 1, '1:0'],
    [null, null, null, 1, '1:1'],
    [null, 'tombstone', null, 1, '1:2'],
  ])
  expect(await seen('schema')).toEqual([
    [null, 'shop.Placed', placedId, 2, '0:0'],
    [null, 'shop.Gone', goneId, 1, '1:0'],
    [null, null, 99, 1, '1:1'],
    [null, null, null, 1, '1:2'],
  ])
  expect(await dlq('list', group, '--by', 'type', '--where', 'type=Placed')).toBe(0)
  expect(out).toMatch(/GROUP +LETTERS +DISPOSITION +TYPE .*\nspend +2 +exhausted +shop\.Placed .* 0:0\n$/)
  expect(await dlq('list', group, '--by', 'type', '--where', 'type=tombstone')).toBe(0)
  expect(out).toMatch(/GROUP +LETTERS +DISPOSITION +TYPE .*\nspend +1 +exhausted +tombstone .* 1:2\n$/)
  expect(await dlq('list', group, '--by', 'time')).toBe(64)
})

test('list: all conditions must be met; a limit is of a group; nothing chosen is said', async () => {
  await bury(broker, 0, 6)
  await bury(broker, 1, 3, { trail: { disposition: 'rejected' } })
  const count = async (...args: string[]) => {
    await dlq('list', group, '--json', ...args)
    return items().reduce((sum, { letters }) => sum + Number(letters), 0)
  }
  expect(await count('--where', 'key=k0')).toBe(3)
  expect(await count('--where', 'key=k0', '--where', 'disposition=rejected')).toBe(1)
  expect(await count('--where', 'address=0:1..3,1:..')).toBe(6)
  expect(await count('--limit', '4')).toBe(4)
  expect(await count('--where', 'failed=..@-1h')).toBe(0)
  expect(await dlq('list', group, '--where', 'failed=..@-1h')).toBe(0)
  expect(out).toMatch(/spend +0 +-/)
})

test.each([
  ['list', group, '--where', 'fingerprnt=x'],
  ['export', group, '--limit', 'x'],
  ['redrive', group, '--where', 'failed=-15m'],
  ['purge', group, '--where', 'address=x'],
])('%s %s %s %s: exit 64 before a broker is looked for', async (...args) => {
  const program = buildProgram([dlqCommand(() => Promise.reject(new Error('opened')))])
  expect(await runProgram(program, ['node', 'spillway', 'dlq', ...args], text => text, false)).toBe(64)
  expect(err).toContain('E_SELECTION')
})

test('export writes JSON lines to stdout and says how many on stderr; the letters stay', async () => {
  await bury(broker, 0, 4)
  expect(await dlq('export', group, '--where', 'key=k0')).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines.map(line => (JSON.parse(line) as { offset: string }).offset)).toEqual(['0', '3'])
  expect(err).toContain('spend: 2 letters exported')
  expect(await lettersLeft()).toBe(4)
})

test('export to a file: nobody else may read it, and no file is written over', async () => {
  await bury(broker, 0, 3)
  const file = join(folder, 'out.jsonl')
  expect(await dlq('export', group, '--file', file)).toBe(0)
  expect(readFileSync(file, 'utf8').match(/\n/g)).toHaveLength(3)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(out).toBe('')
  expect(await dlq('export', group, '--file', file)).toBe(4)
  expect(err).toContain('E_GUARD')
  expect(readFileSync(file, 'utf8').match(/\n/g)).toHaveLength(3)
})

test('an export that fails or is interrupted leaves no file', async () => {
  await bury(broker, 0, 3)
  const file = join(folder, 'out.jsonl')
  expect(await dlq('export', 'nobody', '--file', file)).toBe(64)
  expect(existsSync(file)).toBe(false)
  const plain = broker.reader()
  const reader: typeof plain = {
    ...plain,
    read: (range, onRecord) => {
      if (range.topic === `${group}.dlq`) process.emit('SIGINT', 'SIGINT')
      return plain.read(range, async record => {
        await new Promise(setImmediate)
        return onRecord(record)
      })
    },
  }
  broker = { ...broker, reader: () => reader }
  expect(await dlq('export', group, '--file', file)).toBe(130)
  expect(existsSync(file)).toBe(false)
})

test('redrive of every third letter leaves the others; the same again moves nothing', async () => {
  registry = memoryRegistry()
  await bury(broker, 0, 7)
  expect(await dlq('redrive', group, '--where', 'key=k0', '--where', 'failed=@-1h..')).toBe(0)
  expect(out).toContain('spend: 3 letters to spend.retry.0s')
  const hint = err.match(/spillway dlq redrive spend --where key=k0 --where (failed=@\S+Z\.\.) --execute/)
  expect(hint).not.toBeNull()
  const args = ['redrive', group, '--where', 'key=k0', '--where', hint![1]!, '--execute']
  expect(await dlq(...args)).toBe(0)
  expect(out).toContain('3 letters moved')
  expect(await valuesOf(broker, `${group}.retry.0s`, 0)).toEqual(['0:0', '0:3', '0:6'])
  expect(await dlq(...args)).toBe(0)
  expect(out).toContain('0 letters moved')
  expect(await lettersLeft()).toBe(4)
  expect((await valuesOf(broker, `${group}.dlq.moved`, 0)).map(text => (JSON.parse(text) as { filter: string }).filter)).toEqual([
    `key=k0 and ${hint![1]}`,
  ])
})

test('redrive --limit moves so many of those that can be moved, then the next', async () => {
  registry = memoryRegistry()
  await bury(broker, 0, 1, { trail: { disposition: 'oversize' } })
  await bury(broker, 0, 4, { from: 1 })
  expect(await dlq('redrive', group, '--limit', '2')).toBe(0)
  expect(out).toContain('2 letters to')
  for (const moved of [2, 2, 0]) {
    expect(await dlq('redrive', group, '--limit', '2', '--execute')).toBe(0)
    expect(out).toContain(`${moved} letters moved`)
  }
  expect(await lettersLeft()).toBe(1)
})

test('purge is a dry run that says what and where to', async () => {
  await bury(broker, 0, 4)
  const file = join(folder, 'purged.jsonl')
  expect(await dlq('purge', group, '--where', 'key=k0', '--file', file)).toBe(0)
  expect(out).toBe('spend: 2 letters to purge\n  2 letters  TypeError  abc123\n')
  expect(err).toContain(`export them to ${file} and purge them: spillway dlq purge spend --where key=k0 --file ${file} --execute`)
  expect(existsSync(file)).toBe(false)
  expect(await lettersLeft()).toBe(4)
  expect(await dlq('purge', group, '-o', 'json')).toBe(0)
  expect(items()[0]).toMatchObject({
    group,
    letters: 4,
    stays: 0,
    file: expect.stringMatching(/^spend-purged-\d{8}T\d{6}Z\.jsonl$/),
  })
})

test('purge exports, marks, and finds nothing the second time', async () => {
  await bury(broker, 0, 4)
  const file = join(folder, 'purged.jsonl')
  const execute = ['--execute', '--yes', '--confirm', group, '--reason', 'of a test order']
  expect(await dlq('purge', group, '--where', 'key=k0', '--file', file, ...execute)).toBe(0)
  expect(out).toMatch(/^spend: 2 letters purged, exported to .*purged\.jsonl, run [0-9a-f-]{36}\n$/)
  expect(readFileSync(file, 'utf8').match(/\n/g)).toHaveLength(2)
  expect(await lettersLeft()).toBe(2)
  const [recorded] = await valuesOf(broker, `${group}.dlq.moved`, 0)
  expect(JSON.parse(recorded!)).toMatchObject({
    kind: 'purged',
    reason: 'of a test order',
    who: expect.stringMatching(/.@./),
    target: file,
    filter: 'key=k0',
    ranges: [
      ['0', '1'],
      ['3', '4'],
    ],
  })
  const again = join(folder, 'again.jsonl')
  expect(await dlq('purge', group, '--where', 'key=k0', '--file', again, ...execute, '--json')).toBe(0)
  expect(items()[0]).toMatchObject({ purged: 0, interrupted: false, file: null })
  expect(existsSync(again)).toBe(false)
})

test.each([
  [['--execute'], /nobody can be asked here.*--execute --yes --confirm spend/],
  [['--execute', '--yes'], /--yes needs --confirm/],
  [['--execute', '--yes', '--confirm', 'spent'], /--confirm names 'spent', not 'spend'/],
])('purge %j: exit 4, nothing done', async (flags, message) => {
  await bury(broker, 0, 2)
  const file = join(folder, 'purged.jsonl')
  expect(await dlq('purge', group, '--file', file, ...flags)).toBe(4)
  expect(err).toMatch(message)
  expect(err).toContain('E_CONFIRMATION')
  expect(existsSync(file)).toBe(false)
  expect(await lettersLeft()).toBe(2)
})

test('purge writes over no file', async () => {
  await bury(broker, 0, 2)
  const file = join(folder, 'purged.jsonl')
  writeFileSync(file, 'mine')
  expect(await dlq('purge', group, '--file', file, '--execute', '--confirm', group)).toBe(4)
  expect(err).toContain('E_GUARD')
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(await lettersLeft()).toBe(2)
})

test('on a terminal the name of the group has to be typed', async () => {
  await bury(broker, 0, 2)
  const file = join(folder, 'purged.jsonl')
  const typed = async (text: string) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true })
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin)
    const { isTTY } = process.stderr
    process.stderr.isTTY = true
    stdin.end(`${text}\n`)
    return dlq('purge', group, '--file', file, '--execute').finally(() => {
      process.stderr.isTTY = isTTY
    })
  }
  expect(await typed('yes')).toBe(4)
  expect(err).toContain('that is not spend (E_CONFIRMATION)')
  expect(existsSync(file)).toBe(false)
  expect(await lettersLeft()).toBe(2)
  expect(await typed('spend')).toBe(0)
  expect(err).toContain('To purge 2 letters, type spend: ')
  expect(await lettersLeft()).toBe(0)
})
