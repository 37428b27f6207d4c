import { expect, test } from 'vitest'
import type { Broker, TransactionalProducer } from '../../src/broker/port.ts'
import { decodeMoved, type MovedRecord } from '../../src/dlq/moved.ts'
import { type LetterFile, type PurgeOptions, purgeLetters } from '../../src/dlq/purge.ts'
import { countLetters, readLetters } from '../../src/dlq/read.ts'
import { type Condition, selectionOf } from '../../src/dlq/selection.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { brokerWithTopics, bury, group, producerOf, sourceOf, valuesOf } from './letters.ts'

interface MemoryFile extends LetterFile {
  readonly lines: string[]
  finished: boolean
}

function memoryFile(): MemoryFile {
  const file: MemoryFile = {
    name: 'out.jsonl',
    lines: [],
    finished: false,
    write: async line => void file.lines.push(line),
    async finish() {
      file.finished = true
    },
  }
  return file
}

const everyThird = selectionOf(
  [{ on: 'key', key: Buffer.from('k0'), words: 'key=k0' } as Condition],
  Number.POSITIVE_INFINITY,
  async () => undefined,
)

function purge(broker: Broker, file: LetterFile, more: Partial<PurgeOptions> = {}, producer = producerOf(broker)) {
  return purgeLetters(sourceOf(broker), producer, file, { runId: 'p1', who: 'ann@host', reason: 'old', clock: () => 5, ...more })
}

async function movedOf(broker: Broker): Promise<(MovedRecord | undefined)[]> {
  const moved: (MovedRecord | undefined)[] = []
  const range = { topic: `${group}.dlq.moved`, partition: 0, from: 0n, to: 1_000n }
  await broker.reader().read(range, record => void moved.push(decodeMoved(record.value)))
  return moved
}

async function left(broker: Broker): Promise<string[]> {
  const values: string[] = []
  await readLetters(sourceOf(broker), ({ record }) => void values.push(String(record.value)))
  return values
}

const values = (lines: readonly string[]) =>
  lines.map(line => Buffer.from((JSON.parse(line) as { value: string }).value, 'base64').toString())

test('every third letter: the file has them, they are gone, the others are left, and a second run purges nothing', async () => {
  const broker = await brokerWithTopics(2)
  await bury(broker, 0, 7)
  await bury(broker, 1, 2)
  const file = memoryFile()
  expect(await purge(broker, file, { selection: everyThird })).toEqual({ runId: 'p1', purged: 4, stayed: 0, interrupted: false })
  expect(values(file.lines)).toEqual(['0:0', '0:3', '0:6', '1:0'])
  expect(await left(broker)).toEqual(['0:1', '0:2', '0:4', '0:5', '1:1'])
  const base = { kind: 'purged', runId: 'p1', atMs: 5, who: 'ann@host', reason: 'old', filter: 'key=k0', target: 'out.jsonl' }
  expect(await movedOf(broker)).toEqual([
    {
      ...base,
      partition: 0,
      ranges: [
        [0n, 1n],
        [3n, 4n],
        [6n, 7n],
      ],
    },
    { ...base, partition: 1, ranges: [[0n, 1n]] },
  ])
  const second = memoryFile()
  expect(await purge(broker, second, { selection: everyThird })).toMatchObject({ purged: 0 })
  expect(second.lines).toEqual([])
  expect(await movedOf(broker)).toHaveLength(2)
})

test('nothing is marked before the file is finished', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 3)
  const file = memoryFile()
  const finish = async () => {
    expect((await movedOf(broker)).length).toBe(0)
    throw new Error('no space left')
  }
  await expect(purge(broker, { ...file, finish })).rejects.toThrow('no space left')
  expect((await countLetters(sourceOf(broker))).left).toBe(3)
})

test('ended between export and mark, and between marks: what is not marked is purged by the next run', async () => {
  const broker = await brokerWithTopics(2)
  await bury(broker, 0, 3)
  await bury(broker, 1, 3)
  const failingFrom = (n: number): TransactionalProducer => {
    const producer = producerOf(broker)
    let calls = 0
    return {
      ...producer,
      send: records => (++calls >= n ? Promise.reject(new BrokerUnavailable('gone')) : producer.send(records)),
    }
  }
  const [first, second, third] = [memoryFile(), memoryFile(), memoryFile()]
  await expect(purge(broker, first, {}, failingFrom(1))).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE' })
  expect(first.finished).toBe(true)
  expect((await left(broker)).length).toBe(6)
  await expect(purge(broker, second, {}, failingFrom(2))).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE' })
  expect(values(second.lines)).toHaveLength(6)
  expect(await left(broker)).toEqual(['1:0', '1:1', '1:2'])
  expect(await purge(broker, third)).toMatchObject({ purged: 3 })
  expect(values(third.lines)).toEqual(['1:0', '1:1', '1:2'])
})

test('a redrive that begins meanwhile ends the purge: nothing is marked, and what the file holds is redriven', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 3)
  const file = memoryFile()
  const finish = async () => {
    const redriven = await runRedrive(sourceOf(broker), producerOf(broker), { runId: 'r', who: 'w', reason: '' })
    expect(redriven).toMatchObject({ moved: 3 })
  }
  await expect(purge(broker, { ...file, finish })).rejects.toMatchObject({
    code: 'E_FENCED',
    message: expect.stringMatching(/another redrive or purge of 'spend'/),
  })
  expect((await movedOf(broker)).map(moved => moved!.kind)).toEqual(['redriven'])
})

test('a purge that begins meanwhile ends the redrive, and marks nothing that it has moved', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 6)
  const file = memoryFile()
  const producer = producerOf(broker)
  let sent = 0
  const send: typeof producer.send = async records => {
    if (++sent === 2) await purge(broker, file)
    return producer.send(records)
  }
  const redriving = runRedrive(sourceOf(broker), { ...producer, send }, { runId: 'r', who: 'w', reason: '', batchLetters: 2 })
  await expect(redriving).rejects.toMatchObject({ code: 'E_FENCED' })
  expect(await valuesOf(broker, `${group}.retry.0s`, 0)).toEqual(['0:0', '0:1'])
  expect(values(file.lines)).toEqual(['0:2', '0:3', '0:4', '0:5'])
  expect(await left(broker)).toEqual([])
})

test('an abort while exporting purges nothing', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  const stop = new AbortController()
  const file = memoryFile()
  const result = await purge(broker, { ...file, write: async () => stop.abort() }, { signal: stop.signal })
  expect(result).toMatchObject({ purged: 0, interrupted: true })
  expect(file.finished).toBe(false)
  expect((await countLetters(sourceOf(broker))).left).toBe(5)
})

test('letters that came after the plan are not purged', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 2)
  const { ends } = await readLetters(sourceOf(broker), () => {})
  await bury(broker, 0, 2, { from: 2 })
  expect(await purge(broker, memoryFile(), { ends })).toMatchObject({ purged: 2 })
  expect(await left(broker)).toEqual(['0:2', '0:3'])
})

test('a batch that cannot be read cannot be exported, and stays', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 3)
  const plain = broker.reader()
  const unreadable = { firstOffset: 1n, codec: 'zstd', bytes: 10, reason: 'corrupt' }
  const reader: typeof plain = {
    ...plain,
    read: (range, onRecord) =>
      plain.read(range, record =>
        onRecord(record.offset === 1n && range.topic === `${group}.dlq` ? { ...record, unreadable } : record),
      ),
  }
  const file = memoryFile()
  const options = { runId: 'p', who: 'w', reason: '' }
  const result = await purgeLetters({ ...sourceOf(broker), reader }, producerOf(broker), file, options)
  expect(result).toMatchObject({ purged: 2, stayed: 1 })
  expect(await left(broker)).toEqual(['0:1'])
})

test('many ranges go in several records, each far below what a topic takes', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 36_000)
  expect(await purge(broker, memoryFile(), { selection: everyThird })).toMatchObject({ purged: 12_000 })
  expect((await movedOf(broker)).map(moved => moved!.ranges.length)).toEqual([5_000, 5_000, 2_000])
  expect((await countLetters(sourceOf(broker))).left).toBe(24_000)
})

test('without the topic that would record it nothing is written at all', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 1)
  const admin = {
    ...broker.admin(),
    topics: async (names: readonly string[]) => (await broker.admin().topics(names)).filter(one => !one.name.endsWith('.moved')),
  }
  const file = memoryFile()
  const source = { ...sourceOf(broker), admin }
  await expect(purgeLetters(source, producerOf(broker), file, { runId: 'p', who: 'w', reason: '' })).rejects.toMatchObject({
    code: 'E_NO_DLQ',
    message: expect.stringContaining('spend.dlq.moved'),
  })
  expect(file).toMatchObject({ lines: [], finished: false })
})
