/** `spillway dlq redrive` in memory: where to, how fast, how often, from whose DLQ, and what is refused. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Broker } from '../../src/broker/port.ts'
import type { CommandContext } from '../../src/command/context.ts'
import { dlqCommand } from '../../src/command/dlq.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { defineService } from '../../src/config.ts'
import { consumer, on } from '../../src/consume/processor.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { RegistryUnavailable } from '../../src/errors.ts'
import { event } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { brokerWithTopics, bury, buryValue, group, producerOf, sourceOf, valuesOf } from '../dlq/letters.ts'
import { foreignLetters } from '../topic/foreign/letters.ts'

const avro = { type: 'record', name: 'Placed', fields: [{ name: 'id', type: 'string' }] }
const placed = event(avroSchema<'Placed', { id: string }, { id: string }>({ name: 'Placed', avro, long: 'bigint' }), {
  topic: 'orders',
  key: 'id',
})
const service = defineService({ name: 'shop', processors: [consumer(group, [on(placed, () => {})])] })

let broker: Broker
let registry: object
let services = 0
let out = ''
let err = ''

beforeEach(async () => {
  broker = await brokerWithTopics(3)
  registry = memoryRegistry()
  await createTopics(['orders', 'elsewhere', 'dead'], 3)
  for (const [name, write] of [
    ['stdout', (text: string) => (out += text)],
    ['stderr', (text: string) => (err += text)],
  ] as const)
    vi.spyOn(process[name], 'write').mockImplementation(text => write(String(text)) !== undefined)
})

afterEach(() => {
  vi.restoreAllMocks()
})

const createTopics = (names: readonly string[], partitions: number) =>
  broker.admin().createTopics(names.map(name => ({ name, partitions, replicationFactor: 1, config: {} })))

function redrive(...args: string[]): Promise<number> {
  return dlq('redrive', ...args)
}

async function dlq(...args: string[]): Promise<number> {
  out = err = ''
  services = 0
  const context = {
    service: async () => {
      services++
      return service
    },
    hasService: true,
    broker,
    registry,
    close: async () => {},
  }
  const program = buildProgram([dlqCommand(async () => context as unknown as CommandContext)])
  return runProgram(program, ['node', 'spillway', 'dlq', ...args], text => text, false)
}

const items = () => (JSON.parse(out) as { items: Record<string, unknown>[] }).items
const left = async () => (await countLetters(sourceOf(broker))).left

test.each([
  [[], /name the group/],
  [[group, '--from', 'dead'], /name the group/],
  [[group, '--to-group', group], /--to-group goes with --from/],
  [['--from', 'dead', '--to', 'retry'], /--to-group GROUP/],
  [['--from', 'dead', '--to', 'source', '--to-group', group], /leave out --to/],
  [['--from', 'dead', '--to-group', 'spent'], /did you mean 'spend'/],
  [[group, '--to', 'no topic'], /no name of a group or topic/],
  [['--from', 'constructor'], /no name of a group or topic/],
  [[group, '--rate', '0'], /--rate must be a whole number/],
  [[group, '--rate', '1.5'], /--rate must be a whole number/],
  [[group, '--max-redrives', '0'], /--max-redrives must be a whole number/],
])('%j is no command line', async (args, message) => {
  expect(await redrive(...args, '--execute')).toBe(64)
  expect(err).toMatch(message)
  expect(err).toContain('E_USAGE')
})

test('a registry that is away is asked once, and the plan says what nobody knows', async () => {
  let asked = 0
  const schemaById = async () => {
    asked++
    throw new RegistryUnavailable('the registry is away')
  }
  registry = { schemaById }
  for (let i = 0; i < 3; i++) await buryValue(broker, 0, Buffer.from([0, 0, 0, 0, 7, i]))
  expect(await redrive(group)).toBe(0)
  expect(out).toContain('3 letters to spend.retry.0s')
  expect(out).toContain('3 letters  may decode or not: the registry is away')
  expect(asked).toBe(1)
  expect(await redrive(group, '-o', 'json')).toBe(0)
  expect(items()[0]).toMatchObject({ letters: 3, kinds: [], unknown: [{ problem: 'the registry is away', letters: 3 }] })
  expect(await redrive(group, '--execute')).toBe(0)
  expect(await left()).toBe(0)
})

test('to the source: it is said who will see them, and again on the command line', async () => {
  await bury(broker, 1, 2)
  expect(await redrive(group, '--to', 'source', '--where', 'key=k0')).toBe(0)
  expect(out).toContain('spend: 1 letter to source')
  expect(out).toContain('1 letter  to orders')
  expect(out).toMatch(/published anew.*all groups of the topic will see them/)
  expect(err).toContain('spillway dlq redrive spend --to source --where key=k0 --execute')
  expect(await valuesOf(broker, 'orders', 1)).toEqual([])
  expect(await redrive(group, '--to', 'source', '--execute')).toBe(0)
  expect(await valuesOf(broker, 'orders', 1)).toEqual(['1:0', '1:1'])
  expect(await valuesOf(broker, 'spend.retry.0s', 1)).toEqual([])
})

test('to a topic, at a rate, with a cap: all of it is in what runs again', async () => {
  await bury(broker, 0, 1)
  await bury(broker, 0, 1, { from: 1, trail: { redriveCount: 3 } })
  const asked = [group, '--to', 'elsewhere', '--rate', '500', '--max-redrives', '3']
  expect(await redrive(...asked)).toBe(0)
  expect(err).toContain(`spillway dlq redrive ${asked.join(' ')} --execute`)
  expect(out).toContain('1 letter left where it is: redriven as often as --max-redrives allows')
  expect(await redrive(...asked, '--execute', '-o', 'json')).toBe(0)
  expect(items()[0]).toMatchObject({ group, moved: 1, stayed: 1, tooLarge: 0, interrupted: false })
  expect(await valuesOf(broker, 'elsewhere', 0)).toEqual(['0:0'])
})

test('a topic that is not there is refused: exit 4, and nothing is moved', async () => {
  await bury(broker, 0, 1)
  expect(await redrive(group, '--to', 'missing', '--execute')).toBe(4)
  expect(err).toMatch(/no topic missing.*E_REDRIVE_TARGET/)
  expect(await left()).toBe(1)
})

test('a run that another one ends says so: exit 4', async () => {
  await bury(broker, 0, 3)
  const { transactionalProducer } = broker
  broker = {
    ...broker,
    transactionalProducer: id => {
      const producer = transactionalProducer(id)
      const commit = async () => {
        await producerOf({ ...broker, transactionalProducer }).connect()
        await producer.commit()
      }
      return { ...producer, commit }
    },
  }
  expect(await redrive(group, '--execute')).toBe(4)
  expect(err).toMatch(/another redrive or purge of 'spend' has begun, and ended this one.*E_FENCED/)
  expect(await left()).toBe(3)
})

test('redrive and purge of one DLQ take the same id, so that one ends the other', async () => {
  const ids: string[] = []
  const { transactionalProducer } = broker
  broker = {
    ...broker,
    transactionalProducer: id => {
      ids.push(id)
      return transactionalProducer(id)
    },
  }
  const folder = mkdtempSync(join(tmpdir(), 'dlq-redrive-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await bury(broker, 0, 2)
  expect(await redrive(group, '--limit', '1', '--execute')).toBe(0)
  expect(await dlq('purge', group, '--execute', '--yes', '--confirm', group, '--file', join(folder, 'purged.jsonl'))).toBe(0)
  expect(ids).toEqual(['spend.redrive', 'spend.redrive'])
  expect(await left()).toBe(0)
})

test('a letter too large for its topic is told', async () => {
  await bury(broker, 0, 2)
  await broker.admin().alterConfig('spend.retry.0s', { 'max.message.bytes': '100' })
  expect(await redrive(group, '--execute')).toBe(0)
  expect(out).toContain('spend: 0 letters moved')
  expect(err).toContain('2 letters left: larger than the topic takes (max.message.bytes)')
})

async function putForeign(names: readonly string[]): Promise<void> {
  const letters = names.map(name => ({ topic: 'dead', partition: 0, ...foreignLetters[name]! }))
  await broker.producer().sendBatch('dead', 0, letters)
}

test('a foreign DLQ: whose it is and where they go; the topic that tells what was moved is created, once', async () => {
  await putForeign(['Spring Kafka', 'Kafka Streams', 'Karafka'])
  expect(await redrive('--from', 'dead')).toBe(0)
  expect(out).toContain('dead: 3 letters to source')
  expect(out).toContain('1 letter  with the headers of Spring Kafka')
  expect(out).toContain('3 letters  to orders')
  expect(out).toContain('there is no topic dead.moved, which tells what was moved: --execute creates it')
  // Nobody of ours handles them, so no service is needed.
  expect(services).toBe(0)
  expect(await broker.admin().topics(['dead.moved'])).toEqual([])
  expect(await redrive('--from', 'dead', '--execute')).toBe(0)
  expect(err).toContain('created 1 topic: dead.moved')
  expect(await broker.admin().topics(['dead.moved'])).toMatchObject([{ partitions: 1, config: { 'retention.ms': '-1' } }])
  expect(await valuesOf(broker, 'orders', 2)).toHaveLength(2)
  expect(await redrive('--from', 'dead', '--execute')).toBe(0)
  expect(out).toContain('dead: 0 letters moved')
  expect(await valuesOf(broker, 'orders', 2)).toHaveLength(2)
})

test('a foreign DLQ to a group: its handlers are asked for', async () => {
  await putForeign(['Kafka Connect'])
  expect(await redrive('--from', 'dead', '--to-group', group)).toBe(0)
  expect(out).toContain('dead: 1 letter to spend.retry.0s')
  expect(out).toContain('1 letter  cannot be decoded now')
  expect(err).toContain('spillway dlq redrive --from dead --to-group spend --execute')
})

test('a foreign DLQ of nobody known is refused with what to do: exit 4', async () => {
  await broker.producer().sendBatch('dead', 0, [{ topic: 'dead', partition: 0, key: null, value: null, headers: [] }])
  expect(await redrive('--from', 'dead', '--execute')).toBe(4)
  expect(err).toMatch(/1 letter came from.*Spring Kafka, .*Karafka.*--to TOPIC.*E_REDRIVE_TARGET/)
  expect(await broker.admin().topics(['dead.moved'])).toEqual([])
  expect(await redrive('--from', 'dead', '--to', 'elsewhere', '--execute')).toBe(0)
  expect(out).toMatch(/dead: 1 letter moved/)
  expect(await redrive('--from', 'never-was')).toBe(64)
  expect(err).toMatch(/no topic never-was.*E_NO_DLQ/)
})
