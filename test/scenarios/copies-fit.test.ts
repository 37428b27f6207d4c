/**
 * A record that its source took gets its copies, whatever its size and however long its error's stack: tiers and DLQ have room for
 * more than the largest source takes, and what only a compressed batch could bring is compressed again.
 */
import { randomBytes } from 'node:crypto'
import zlib from 'node:zlib'
import { consumer, on, topic } from 'spillway'
import { expect, test } from 'vitest'
import { batchOverheadBytes, recordBytes } from '../../src/broker/record-size.ts'
import { applyTopics, lineOf, planTopics } from '../../src/command/topic.ts'
import { defineService } from '../../src/config.ts'
import { event } from '../../src/message/definition.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { withoutTrail } from '../../src/topic/trail.ts'
import { encodeRecord } from '../broker/kafkajs/fetched-bytes.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs, type Scenario } from './harness.ts'
import { stepsOn } from './messages.ts'
import { writeBatch } from './raw-batch.ts'

/** A text that no codec makes smaller than three quarters, since its letters stand for six bits each. */
const noise = (bytes: number) =>
  randomBytes(Math.ceil((bytes * 3) / 4))
    .toString('base64')
    .slice(0, bytes)

/** Fails at every try, with a stack and a message of 64 KB each, until it is mended. */
function failing() {
  const world = { isMended: false, handled: [] as string[] }
  const handler = ({ note }: { note: string }) => {
    if (world.isMended) return void world.handled.push(note)
    const error = new Error('m'.repeat(65_536))
    error.stack = `Error: ${error.message}\n${'    at someFunction (/app/src/file.ts:1:1)\n'.repeat(1_600)}`
    throw error
  }
  return { world, handler }
}

async function redrive({ broker, admin }: Scenario, group: string): Promise<unknown> {
  const how = { runId: 'run-1', who: 'ops', reason: 'mended' }
  return runRedrive({ reader: broker.reader(), admin, group }, broker.transactionalProducer(`${group}.redrive`), how)
}

test('a record at the limit of its source reaches its tier, its DLQ and its group again, whole', async () => {
  const scenario = await openScenario()
  const { prepare, run, drained, put, encode, records, trails, heard } = scenario
  const { steps, opened } = stepsOn({ partitions: 1 })
  const { world, handler } = failing()
  const reader = consumer(unique('reader'), [on(opened, handler)], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const blocked = heard('partition.blocked')
  const limit = 1_048_588
  const sized = async (noteBytes: number) => {
    const value = await encode(opened, { id: 'a', n: 1, note: noise(noteBytes) })
    return { key: 'a', value, headers: [['h', Buffer.alloc(5_000, 1)]] as const }
  }
  const small = await sized(1_000_000)
  const overhead = recordBytes({ ...small, key: Buffer.from('a') }) + batchOverheadBytes - 1_000_000
  const record = await sized(limit - overhead)
  expect(recordBytes({ ...record, key: Buffer.from('a') }) + batchOverheadBytes).toBe(limit)
  await put(steps.name, record)
  await run([reader])
  await drained(reader)

  for (const name of [reader.ladder.tiers[0]!.topic, reader.ladder.dlq]) {
    const [copy] = await records(name)
    expect(copy?.value?.equals(record.value)).toBe(true)
    expect(withoutTrail(copy!.headers)).toEqual(record.headers)
  }
  expect(await trails(reader.ladder.dlq)).toMatchObject([{ disposition: 'exhausted', attempt: 2 }])
  world.isMended = true
  expect(await redrive(scenario, reader.name)).toMatchObject({ moved: 1, stayed: 0 })
  await until(() => world.handled.length === 1, { withinMs: patienceMs, what: 'the letter to be handled' })
  expect(blocked).toEqual([])
})

test('a source that takes more than its definition says: its group is given room, and a tier that had too little is named', async () => {
  const { prepare, run, drained, put, encode, records, admin, broker } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const reader = consumer(unique('reader'), [on(opened, failing().handler)], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  await admin.alterConfig(steps.name, { 'max.message.bytes': '3000000' })
  const service = defineService({ name: 'it', processors: [reader], messages: [] })
  const changes = await planTopics(broker, service)
  const tier = reader.ladder.tiers[0]!.topic
  expect(changes.map(lineOf)).toContain(`~ alter ${tier}: max.message.bytes 1114124 -> 3065536`)
  await applyTopics(broker, changes, () => {})
  expect((await planTopics(broker, service)).filter(({ kind }) => kind !== 'fine')).toEqual([])

  const value = await encode(opened, { id: 'a', n: 1, note: noise(2_990_000) })
  await put(steps.name, { key: 'a', value })
  await run([reader])
  await drained(reader)
  const [letter] = await records(reader.ladder.dlq)
  expect(letter?.value?.equals(value)).toBe(true)
})

test.each([
  ['gzip', 'a text that repeats itself', 'x'.repeat(3_000_000)],
  ['zstd', 'what repeats itself at a distance', noise(50_000).repeat(60)],
] as const)('a record that came in a batch of %s, and is too large without: %s', async (codec, _, note) => {
  const scenario = await openScenario()
  const { prepare, run, drained, encode, put, records, trails, heard } = scenario
  const { steps, opened } = stepsOn({ partitions: 1 })
  const { world, handler } = failing()
  const reader = consumer(unique('reader'), [on(opened, handler)], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const blocked = heard('partition.blocked')
  const value = await encode(opened, { id: 'a', n: 1, note })
  const buffer = encodeRecord({ key: Buffer.from('a'), value, headers: [['h', null]] })
  await writeBatch(steps.name, codec, 1, codec === 'gzip' ? zlib.gzipSync(buffer) : zlib.zstdCompressSync(buffer))
  await put(steps.name, { key: 'b', value: await encode(opened, { id: 'b', n: 1 }) })
  await run([reader])
  await drained(reader)

  for (const name of [reader.ladder.tiers[0]!.topic, reader.ladder.dlq]) {
    const copy = (await records(name)).find(({ key }) => String(key) === 'a')
    expect(copy?.value?.equals(value)).toBe(true)
    expect(withoutTrail(copy!.headers)).toEqual([['h', null]])
  }
  expect(await trails(reader.ladder.dlq)).toMatchObject([{ disposition: 'exhausted' }, { disposition: 'exhausted' }])
  world.isMended = true
  expect(await redrive(scenario, reader.name)).toMatchObject({ moved: 2, stayed: 0 })
  await until(() => world.handled.length === 2, { withinMs: patienceMs, what: 'the letters to be handled' })
  expect(world.handled.sort()).toEqual(['', note])
  expect(blocked).toEqual([])
})

test('the copies of what came compressed are compressed, and those of what did not are not', async () => {
  const scenario = await openScenario()
  const { prepare, run, drained, encode, put, records } = scenario
  const { steps, opened } = stepsOn({ partitions: 1 })
  const { world, handler } = failing()
  const reader = consumer(unique('reader'), [on(opened, handler)], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const [packed, plain] = await Promise.all(
    ['packed', 'plain'].map(async id => ({ key: id, value: await encode(opened, { id, n: 1 }) })),
  )
  await writeBatch(steps.name, 'gzip', 1, zlib.gzipSync(encodeRecord(packed!)))
  await run([reader])
  await drained(reader)
  await put(steps.name, plain!)
  await drained(reader)
  world.isMended = true
  await redrive(scenario, reader.name)
  await until(() => world.handled.length === 2, { withinMs: patienceMs, what: 'the letters to be handled' })
  for (const name of [steps.name, reader.ladder.tiers[0]!.topic, reader.ladder.dlq])
    expect((await records(name)).map(({ key, compressed }) => [String(key), compressed])).toEqual([
      ['packed', true],
      ['plain', false],
    ])
  // One batch of both.
  expect((await records(reader.ladder.immediate.topic)).map(({ compressed }) => compressed)).toEqual([true, true])
})

test('one that no codec makes small enough is a letter that says what is missing, and the next one is handled', async () => {
  const { prepare, run, drained, put, encode, trails, admin, heard } = await openScenario()
  const steps = topic(unique('steps'), { partitions: 1, config: { 'max.message.bytes': '4000000' } })
  const { opened: model } = stepsOn()
  const opened = event(model.schema as never, { topic: steps, key: 'id' as never }) as typeof model
  const handled: number[] = []
  const reader = consumer(
    unique('reader'),
    [
      on(opened, ({ n, note }) => {
        if (note !== '') throw new Error('no')
        handled.push(n)
      }),
    ],
    { retry: { tiers: ['100ms'] } },
  )
  await prepare([reader])
  const blocked = heard('partition.blocked')
  // Somebody has taken from the tier and the DLQ what they were given.
  for (const name of [reader.ladder.tiers[0]!.topic, reader.ladder.dlq])
    await admin.alterConfig(name, { 'max.message.bytes': '1000000' })
  const value = await encode(opened, { id: 'a', n: 1, note: noise(3_900_000) })
  await put(steps.name, { key: 'a', value })
  await put(steps.name, { key: 'a', value: await encode(opened, { id: 'a', n: 2 }) })
  await run([reader])
  await drained(reader)
  expect(handled).toEqual([2])
  const leftOut = `value of ${value.length} bytes`
  expect(await trails(reader.ladder.dlq)).toMatchObject([{ disposition: 'oversize', attempt: 1, leftOut }])
  expect(blocked).toEqual([])
})
