import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Admin } from '../../src/broker/port.ts'
import type { Letter } from '../../src/dlq/letter.ts'
import { movedRecord } from '../../src/dlq/moved.ts'
import type { OffsetRange } from '../../src/dlq/ranges.ts'
import { countLetters, readLetters } from '../../src/dlq/read.ts'
import { selectionOf } from '../../src/dlq/selection.ts'
import { brokerWithTopics, bury, buryForeign, group, sourceOf } from './letters.ts'

async function move(broker: Awaited<ReturnType<typeof brokerWithTopics>>, partition: number, ranges: OffsetRange[]) {
  const base = { kind: 'redriven', runId: 'r', atMs: 0, who: 'w', reason: '', filter: 'all', target: 't' } as const
  const record = movedRecord(sourceOf(broker), { ...base, partition, ranges })
  await broker.producer().sendBatch(record.topic, record.partition, [record])
}

function addressed(partition: number, offset: bigint) {
  const ranges = [{ partition, from: offset, to: offset + 1n }]
  return selectionOf([{ on: 'address', ranges, words: '' }], Number.POSITIVE_INFINITY, async () => undefined)
}

test('letters come by partition and offset, without those that were moved', async () => {
  const broker = await brokerWithTopics(3)
  await bury(broker, 2, 3)
  await bury(broker, 0, 6)
  await move(broker, 0, [
    [0n, 2n],
    [4n, 5n],
  ])
  const seen: string[] = []
  await readLetters(sourceOf(broker), letter => void seen.push(`${letter.partition}:${letter.offset}=${letter.record.value}`))
  expect(seen).toEqual(['0:2=0:2', '0:3=0:3', '0:5=0:5', '2:0=2:0', '2:1=2:1', '2:2=2:2'])
  expect(await countLetters(sourceOf(broker))).toMatchObject({
    group,
    left: 6,
    partitions: [
      { partition: 0, left: 3 },
      { partition: 1, left: 0 },
      { partition: 2, left: 3 },
    ],
  })
})

test('a record without a trail is a letter all the same', async () => {
  const broker = await brokerWithTopics(1)
  await buryForeign(broker, 0)
  const letters: Letter[] = []
  await readLetters(sourceOf(broker), letter => void letters.push(letter))
  expect(letters).toHaveLength(1)
  expect(letters[0]!.trail).toBeUndefined()
})

test('what retention has deleted is not subtracted twice', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 10)
  await move(broker, 0, [[0n, 7n]])
  const admin: Admin = {
    ...broker.admin(),
    bounds: async topic => (topic === `${group}.dlq` ? [{ partition: 0, low: 5n, high: 10n }] : broker.admin().bounds(topic)),
  }
  const source = { ...sourceOf(broker), admin }
  expect((await countLetters(source)).left).toBe(3)
  const offsets: bigint[] = []
  await readLetters(source, letter => void offsets.push(letter.offset))
  expect(offsets).toEqual([7n, 8n, 9n])
})

test('letters that arrive while reading are not read, so that reading ends', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 2)
  let seen = 0
  await readLetters(sourceOf(broker), async () => {
    seen++
    await bury(broker, 0, 1)
  })
  expect(seen).toBe(2)
})

test('one address is read alone; a wrong one finds nothing', async () => {
  const broker = await brokerWithTopics(2)
  await bury(broker, 1, 5)
  const at = async (partition: number, offset: bigint) => {
    const seen: bigint[] = []
    await readLetters(sourceOf(broker), letter => void seen.push(letter.offset), { selection: addressed(partition, offset) })
    return seen
  }
  expect(await at(1, 3n)).toEqual([3n])
  expect(await at(1, 5n)).toEqual([])
  expect(await at(0, 0n)).toEqual([])
  expect(await at(9, 0n)).toEqual([])
})

test('once aborted no letter follows', async () => {
  const broker = await brokerWithTopics(2)
  await bury(broker, 0, 5)
  await bury(broker, 1, 5)
  const stop = new AbortController()
  let seen = 0
  await readLetters(sourceOf(broker), () => void (++seen === 3 && stop.abort()), { signal: stop.signal })
  expect(seen).toBe(3)
})

test('what the caller throws is thrown on, and no letter follows', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  let seen = 0
  const reading = readLetters(sourceOf(broker), () => {
    seen++
    throw new Error('mine')
  })
  await expect(reading).rejects.toThrow('mine')
  expect(seen).toBe(1)
})

test('a group without a DLQ: E_NO_DLQ names the group and the way out', async () => {
  const broker = memoryBroker()
  const expected = { code: 'E_NO_DLQ', message: expect.stringMatching(/'spend'.*spend\.dlq.*spillway topic apply/) }
  await expect(countLetters(sourceOf(broker))).rejects.toMatchObject(expected)
  await expect(readLetters(sourceOf(broker), () => {})).rejects.toMatchObject(expected)
})

test('a long partition is read in slices: each letter once, and long moved stretches not at all', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 22_000)
  await move(broker, 0, [[19_990n, 21_000n]])
  const asked: bigint[] = []
  const plain = broker.reader()
  const reader: typeof plain = {
    ...plain,
    read: (range, onRecord) => {
      if (range.topic === `${group}.dlq`) asked.push(range.to - range.from)
      return plain.read(range, onRecord)
    },
  }
  const seen: bigint[] = []
  await readLetters({ ...sourceOf(broker), reader }, letter => void seen.push(letter.offset))
  expect(seen).toEqual(Array.from({ length: 20_990 }, (_, i) => BigInt(i < 19_990 ? i : i + 1_010)))
  expect(asked).toEqual([20_000n, 1_000n])
})
