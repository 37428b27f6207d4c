import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { parsePosition } from '../../src/replay/position.ts'
import { resolveRanges } from '../../src/replay/ranges.ts'

const nowMs = 1_000_000
const [topic, group] = ['steps', 'walk']

/** Partition 0 has ten records, one a second up to now, and is committed up to 4; partition 1 has two and no commit; partition 2 none. */
async function places({ start = 'earliest' as 'earliest' | 'latest' } = {}) {
  const broker = memoryBroker()
  const admin = broker.admin()
  await admin.createTopics([{ name: topic, partitions: 3, replicationFactor: 1, config: {} }])
  const write = (partition: number, timestampMs: number) =>
    broker.producer().sendBatch(topic, partition, [{ topic, partition, key: null, value: null, headers: [], timestampMs }])
  for (let i = 9; i >= 0; i--) await write(0, nowMs - i * 1_000)
  for (const timestampMs of [5_000, 6_000]) await write(1, timestampMs)
  await admin.commit(group, [{ topic, partition: 0, offset: 4n, metadata: '' }])
  return async (from: string, to: string) => {
    const positions = { from: parsePosition('from', from, nowMs), to: parsePosition('to', to, nowMs) }
    const ranges = await resolveRanges(admin, { group, start }, [topic], positions)
    return ranges.map(range => [Number(range.from), Number(range.to)])
  }
}

test.each([
  [
    'start',
    'end',
    [
      [0, 10],
      [0, 2],
      [0, 0],
    ],
  ],
  [
    '0',
    '5',
    [
      [0, 5],
      [0, 2],
      [0, 0],
    ],
  ],
  [
    '3',
    '3',
    [
      [3, 3],
      [2, 2],
      [0, 0],
    ],
  ],
  [
    'end',
    'start',
    [
      [10, 10],
      [2, 2],
      [0, 0],
    ],
  ],
  // Relative to the commit, or to where the group would begin.
  [
    '-3',
    '+0',
    [
      [1, 4],
      [0, 0],
      [0, 0],
    ],
  ],
  [
    '-1000',
    '+1',
    [
      [0, 5],
      [0, 1],
      [0, 0],
    ],
  ],
  [
    '+2',
    '+1000',
    [
      [6, 10],
      [2, 2],
      [0, 0],
    ],
  ],
  // The first record of this time or later.
  [
    '@-3s',
    'end',
    [
      [6, 10],
      [2, 2],
      [0, 0],
    ],
  ],
  [
    '@-3500ms',
    '@-1s',
    [
      [6, 8],
      [2, 2],
      [0, 0],
    ],
  ],
  [
    '@-1h',
    '@now',
    [
      [0, 9],
      [0, 2],
      [0, 0],
    ],
  ],
  [
    '@1000000000000',
    'end',
    [
      [10, 10],
      [2, 2],
      [0, 0],
    ],
  ],
])('from %s to %s', async (from, to, expected) => {
  expect(await (await places())(from, to)).toEqual(expected)
})

test('a group that begins at the end counts from there where it has committed nothing', async () => {
  const ranges = await places({ start: 'latest' })
  expect(await ranges('-1', '+0')).toEqual([
    [3, 4],
    [1, 2],
    [0, 0],
  ])
})
