import { describe, expect, test } from 'vitest'
import type { ConsumerGroup } from '../../../src/broker/kafkajs/internals.ts'
import { lossOf, startingPositions } from '../../../src/broker/kafkajs/positions.ts'

const topic = 'of-a-test'
const end = '9'

/** A group that is given partition 0 of a topic with two, whose log reaches from 0 to 9. */
function groupWith(commits: Readonly<Record<number, string>>): ConsumerGroup {
  const partitions = [0, 1].map(partitionId => ({ partitionId, leader: 1, replicas: [1] }))
  const node = {
    listOffsets: async ({ topics }: { topics: { partitions: { partition: number; timestamp: number }[] }[] }) => ({
      responses: topics.map(one => ({
        topic,
        partitions: one.partitions.map(({ partition, timestamp }) => ({ partition, offset: timestamp === -2 ? '0' : end })),
      })),
    }),
  }
  return {
    assigned: () => [{ topic, partitions: [0] }],
    cluster: {
      findTopicPartitionMetadata: () => partitions,
      findLeaderForPartitions: () => ({ 1: [0] }),
      findBroker: async () => node,
    },
    coordinator: {
      offsetFetch: async ({ topics }: { topics: { partitions: { partition: number }[] }[] }) => ({
        responses: topics.map(one => ({
          topic,
          partitions: one.partitions.map(({ partition }) => ({
            partition,
            offset: commits[partition] ?? '-1',
            metadata: 's1:start:2',
          })),
        })),
      }),
      offsetCommit: async () => undefined,
    },
  } as unknown as ConsumerGroup
}

const positionOf = async (commits: Record<number, string>, before: string[]) =>
  (await startingPositions(groupWith(commits), [topic], new Set(before))).positions[0]!.position

describe('a group that begins at the end', () => {
  test('does so at its first start', async () => {
    expect(await positionOf({}, [])).toBe(9n)
  })

  test('does so too on a partition whose neighbour has only begun', async () => {
    expect(await positionOf({ 1: '4' }, [topic])).toBe(9n)
  })

  test('reads a topic from its start that was made anew under it, its commits forgotten', async () => {
    expect(await positionOf({}, [topic])).toBe(0n)
  })
})

test('a position is lost below the first record and above the end, and nowhere between', () => {
  expect([4n, 5n, 9n, 10n].map(position => lossOf(position, 5n, 9n))).toEqual([
    'deleted',
    undefined,
    undefined,
    'log-ends-before',
  ])
})
