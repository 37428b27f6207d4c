/** `spillway schema check --in-flight` on a broker and a registry in memory. */
import { avroSchema, consumer, event, on, topic } from 'spillway'
import { expect, test, vi } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, OutgoingRecord } from '../../src/broker/port.ts'
import type { CommandContext, openContext } from '../../src/command/context.ts'
import { spread } from '../../src/command/in-flight-plan.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { schemaCommand } from '../../src/command/schema.ts'
import { schemaCheckCommand } from '../../src/command/schema-check.ts'
import { defineService } from '../../src/config.ts'
import { encodeFinished } from '../../src/consume/finished.ts'
import { movedRecord } from '../../src/dlq/moved.ts'
import { RegistryUnavailable, Undecodable } from '../../src/errors.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { topicsOf } from '../../src/topic/plan.ts'
import { catchSaid } from './said.ts'

interface Step {
  id: string
}
const id = { name: 'id', type: 'string' }
const schemaOf = (fields: readonly object[], name = 'Step') =>
  avroSchema<string, Step, Step>({
    name: `it.${name}`,
    long: 'number',
    avro: { type: 'record', name, namespace: 'it', fields },
  })
/** What was written before, what this build reads, and what it does not handle. */
const before = schemaOf([id])
const now = schemaOf([id, { name: 'n', type: 'int' }])
const other = schemaOf([], 'Other')

async function stage({ start = 'earliest' as 'earliest' | 'latest' } = {}) {
  const broker = memoryBroker()
  const registry = memoryRegistry()
  const ids = new Map<object, number>()
  for (const [i, schema] of [before, now, other].entries()) ids.set(schema, await registry.register(`s${i}`, schema))
  const steps = event(now, { topic: topic('steps', { partitions: 2 }), key: 'id' })
  const walk = consumer('walk', [on(steps, () => {})], { retry: { tiers: ['5s'] }, start })
  const service = defineService({ name: 'it', processors: [walk] })
  const admin = broker.admin()
  await admin.createTopics(topicsOf(service).map(one => ({ ...one, replicationFactor: 1 })))
  const producer = broker.producer()
  const put = async (name: string, partition: number, ...values: (Buffer | null)[]) => {
    const records = values.map((value): OutgoingRecord => ({ topic: name, partition, key: null, value, headers: [] }))
    await producer.sendBatch(name, partition, records)
  }
  const value = (schema: typeof now, payload: object = { id: 'a', n: 1 }) => codecOf(schema).encode(ids.get(schema)!, payload)
  const { said, check } = terminal({ service: async () => service, broker, registry })
  return { broker, admin, put, value, said, check, service, registry, ids }
}

function terminal(context: Partial<CommandContext>) {
  const said = catchSaid()
  const open = (async () => ({ ...context, close: async () => {} })) as unknown as typeof openContext
  const check = async (...args: string[]) => {
    said.out = said.err = ''
    const program = buildProgram([schemaCommand().addCommand(schemaCheckCommand(open))])
    return runProgram(program, ['node', 'spillway', 'schema', 'check', '--in-flight', ...args], text => text, false)
  }
  return { said, check }
}

test('finds what would fail where it waits, and only that', async () => {
  const { put, value, check, said, ids, admin } = await stage()
  await put('steps', 0, value(before), value(now), value(other, {}), null)
  await put('steps', 1, value(before), value(before), value(before), value(before))
  // Finished up to 1, and 2 above it.
  await admin.commit('walk', [{ topic: 'steps', partition: 1, offset: 1n, metadata: encodeFinished(1n, [{ from: 2n, to: 3n }]) }])
  await put('walk.retry.5s', 0, value(now), value(before))
  await put('walk.retry.0s', 1, value(now))
  await put('walk.dlq', 0, value(before), value(before), Buffer.from('x'), Buffer.from([0, 0, 0, 0, 99, 1]))
  const source = { group: 'walk' } as Parameters<typeof movedRecord>[0]
  const moved = movedRecord(source, {
    kind: 'redriven',
    runId: 'r',
    atMs: 0,
    who: '',
    reason: '',
    filter: 'all',
    target: 't',
    partition: 0,
    ranges: [[0n, 1n]],
  })
  await put('walk.dlq.moved', 0, moved.value)

  expect(await check('-o', 'json')).toBe(5)
  const [item] = JSON.parse(said.out).items
  const schemaId = ids.get(before)
  const unreadable = {
    kind: 'schema',
    schemaId,
    type: 'it.Step',
    path: 'n',
    reason: "is not in the writer's schema and has no default",
  }
  expect(item).toMatchObject({
    group: 'walk',
    compatible: false,
    complete: true,
    timedOut: false,
    readable: 3,
    unhandled: 2,
    failed: 7,
  })
  expect(item.failing).toMatchObject([
    { where: 'tier', topic: 'walk.retry.5s', partition: 0, offset: '1', ...unreadable },
    { where: 'source', topic: 'steps', partition: 0, offset: '0', ...unreadable },
    { where: 'source', topic: 'steps', partition: 1, offset: '1', ...unreadable },
    { where: 'source', topic: 'steps', partition: 1, offset: '3', ...unreadable },
    { where: 'dlq', topic: 'walk.dlq', partition: 0, offset: '1', ...unreadable },
    { where: 'dlq', topic: 'walk.dlq', partition: 0, offset: '2', kind: 'bytes', schemaId: null, path: null },
    { where: 'dlq', topic: 'walk.dlq', partition: 0, offset: '3', kind: 'unknown-id', schemaId: 99 },
  ])
  expect(item.reasons).toMatchObject([
    { ...unreadable, records: 5 },
    { kind: 'bytes', records: 1 },
    { kind: 'unknown-id', records: 1 },
  ])

  expect(await check('--show', '2')).toBe(5)
  expect(said.out.split('\n').slice(0, 5)).toEqual([
    '✗ walk: 7 of 12 records read that wait would fail with this build, 2 of them of no type that it handles',
    `    5 records: it.Step.n is not in the writer's schema and has no default, written with schema id ${schemaId}`,
    '      walk.retry.5s 0:1',
    '      steps 0:0',
    '      fix: give it a default, such as "default": 0',
  ])
  expect(said.out).toContain('5 records that would fail are not named here')
  expect(said.err).toBe('7 records in flight would fail with this build\n')
})

test('passes when nothing that waits would fail', async () => {
  const { put, value, check, said, admin } = await stage()
  await put('steps', 0, value(before), value(now))
  await admin.commit('walk', [{ topic: 'steps', partition: 0, offset: 1n, metadata: '' }])
  expect(await check()).toBe(0)
  expect(said.out).toBe('✓ walk: 1 records read that wait: this build can read them\n')
})

test('a group that has not begun and begins at the end waits for nothing of its source', async () => {
  const { put, value, check } = await stage({ start: 'latest' })
  await put('steps', 0, value(before))
  expect(await check()).toBe(0)
})

test('a sample is spread over what waits, and says what it has not read', async () => {
  const { put, value, check, said } = await stage()
  await put('steps', 0, ...Array.from({ length: 100 }, (_, i) => value(i === 99 ? before : now)))
  expect(await check('--sample', '10', '-o', 'json')).toBe(5)
  const [item] = JSON.parse(said.out).items
  expect(item).toMatchObject({ readable: 9, failed: 1, complete: false, timedOut: false })
  expect(item.parts).toEqual([{ where: 'source', topic: 'steps', partition: 0, waiting: '100', read: '10' }])
  expect(await check('--sample', '10')).toBe(5)
  expect(said.out).toContain('read only in part: steps[0], 10 of 100 offsets')
  expect(await check('--sample', '0')).toBe(64)
})

test('a time limit ends it, says so, and is an exit code of its own unless something was found', async () => {
  const { put, value, check, said } = await stage()
  await put('walk.retry.5s', 0, value(now))
  expect(await check('--for', '0ms')).toBe(124)
  expect(said.out).toContain('read only in part: walk.retry.5s[0], 0 of 1 offsets')
  expect(said.err).toContain('stopped after 0ms: not all that waits was read')
  expect(await check('--for', 'soon')).toBe(64)

  await put('steps', 0, value(before), value(now), value(now))
  let [time, read] = [0, 0]
  vi.spyOn(performance, 'now').mockImplementation(() => (read++ > 4 ? 1_000 : time++))
  expect(await check('--for', '500ms', '-o', 'json')).toBe(5)
  const [item] = JSON.parse(said.out).items
  expect(item).toMatchObject({ failed: 1, timedOut: true, complete: false })
})

test('a registry that is away is an error, never a record that would fail, though it comes back at once', async () => {
  const { put, value, service, broker, registry } = await stage()
  await put('steps', 0, value(now))
  const schemaById = vi.fn(registry.schemaById).mockRejectedValueOnce(new RegistryUnavailable('away'))
  const { check, said } = terminal({ service: async () => service, broker, registry: { ...registry, schemaById } })
  expect(await check()).toBe(3)
  expect(said.out).toBe('')
  expect(said.err).toContain('E_REGISTRY_UNAVAILABLE')
  expect(await check()).toBe(0)
})

test('ids of no schema that can be used are counted like other bytes', async () => {
  const { put, service, broker, registry } = await stage()
  await put('steps', 0, Buffer.from([0, 0, 0, 0, 50, 1]), Buffer.from([0, 0, 0, 0, 51, 1]))
  const schemaById = (id: number) => (id === 50 ? Promise.reject(new Undecodable('it is PROTOBUF')) : Promise.resolve('{'))
  const { check, said } = terminal({ service: async () => service, broker, registry: { ...registry, schemaById } })
  expect(await check('-o', 'json')).toBe(5)
  const [item] = JSON.parse(said.out).items
  expect(item.failing).toMatchObject([
    { kind: 'bytes', schemaId: 50, reason: 'it is PROTOBUF' },
    { kind: 'bytes', schemaId: 51 },
  ])
  expect(item.reasons).toMatchObject([{ kind: 'bytes', schemaId: null, records: 2 }])
})

test('a tier that is configured no more is looked at', async () => {
  const { put, value, check, said, admin } = await stage()
  await admin.createTopics([{ name: 'walk.retry.9s', partitions: 1, replicationFactor: 1, config: {} }])
  await put('walk.retry.9s', 0, value(before))
  expect(await check('-o', 'json')).toBe(5)
  expect(JSON.parse(said.out).items[0].failing).toMatchObject([{ where: 'tier', topic: 'walk.retry.9s', offset: '0' }])
})

test('what was written before a record was renamed is known by its alias', async () => {
  const { put, service, broker, registry } = await stage()
  const avro = { ...before.avro, name: 'Pace' }
  const old = { ...before, name: 'it.Pace', avro }
  await put('steps', 0, codecOf(old).encode(await registry.register('s9', old), { id: 'a' }))
  const renamed = { ...now, avro: { ...now.avro, aliases: ['Pace'] } }
  const steps = event(renamed, { topic: topic('steps', { partitions: 2 }), key: 'id' })
  const walk = consumer('walk', [on(steps, () => {})], { retry: { tiers: ['5s'] } })
  const { check, said } = terminal({ service: async () => ({ ...service, processors: [walk] }), broker, registry })
  expect(await check('-o', 'json')).toBe(5)
  expect(JSON.parse(said.out).items[0].failing).toMatchObject([{ kind: 'schema', type: 'it.Pace', path: 'n' }])
})

test('it only reads: no producer, no consumer, no commit', async () => {
  const { put, value, service, broker, registry } = await stage()
  await put('steps', 0, value(now))
  const never = (): never => {
    throw new Error('not asked for')
  }
  const changing = { commit: never, deleteGroup: never, createTopics: never, addPartitions: never, alterConfig: never }
  const reading = {
    reader: () => broker.reader(),
    admin: () => ({ ...broker.admin(), ...changing }),
    producer: never,
    consumer: never,
    transactionalProducer: never,
  } satisfies Broker
  expect(await terminal({ service: async () => service, broker: reading, registry }).check()).toBe(0)
})

test('with --against it would be two questions', async () => {
  const { check, said } = await stage()
  expect(await check('--against', 'git:main')).toBe(64)
  expect(said.err).toContain('run one after the other')
})

test.each([
  ['all of it', [[0n, 5n]], 5, [[0n, 5n]]],
  ['one', [[3n, 9n]], 1, [[3n, 4n]]],
  [
    'first and last',
    [[0n, 100n]],
    2,
    [
      [0n, 1n],
      [99n, 100n],
    ],
  ],
  [
    'over gaps',
    [
      [0n, 2n],
      [10n, 12n],
    ],
    2,
    [
      [0n, 1n],
      [11n, 12n],
    ],
  ],
] as const)('a sample: %s', (_name, ranges, most, expected) => {
  expect(spread(ranges, most)).toEqual(expected)
})

test('a sample that crosses gaps has no offset twice and no more than was asked for', () => {
  const pieces = spread(
    [
      [0n, 15n],
      [100n, 115n],
    ],
    20,
  )
  const offsets = pieces.flatMap(([from, to]) => Array.from({ length: Number(to - from) }, (_, i) => from + BigInt(i)))
  expect(new Set(offsets).size).toBe(20)
  expect([offsets.length, offsets[0], offsets.at(-1)]).toEqual([20, 0n, 114n])
})
