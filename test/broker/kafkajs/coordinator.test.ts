import { expect, test } from 'vitest'
import { type Cluster, rememberCoordinators } from '../../../src/broker/kafkajs/patch-coordinator.ts'

function clusterAt(clock: { now: number }) {
  const asked: string[] = []
  class One implements Cluster {
    async findGroupCoordinatorMetadata({ groupId }: { groupId: string; coordinatorType: number }): Promise<string> {
      asked.push(groupId)
      return `${groupId} ${asked.length}`
    }

    async refreshMetadata(): Promise<void> {}
  }
  rememberCoordinators(One, () => clock.now)
  return { cluster: new One(), another: new One(), asked }
}

const [group, transactions] = [0, 1]

test('who coordinates a transactional id is asked once a moment', async () => {
  const clock = { now: 0 }
  const { cluster, another, asked } = clusterAt(clock)
  const find = (groupId: string) => cluster.findGroupCoordinatorMetadata({ groupId, coordinatorType: transactions })
  expect([await find('a'), await find('a')]).toEqual(['a 1', 'a 1'])
  expect(await another.findGroupCoordinatorMetadata({ groupId: 'a', coordinatorType: transactions })).toBe('a 2')
  expect(await find('b')).toBe('b 3')
  clock.now = 99
  expect(await find('b')).toBe('b 3')
  clock.now = 100
  expect(await find('b')).toBe('b 4')
  expect(asked).toEqual(['a', 'a', 'b', 'b'])
})

test('and again after whatever has made kafkajs look around, and for a group always', async () => {
  const { cluster, asked } = clusterAt({ now: 0 })
  const find = (coordinatorType: number) => cluster.findGroupCoordinatorMetadata({ groupId: 'a', coordinatorType })
  await find(transactions)
  await cluster.refreshMetadata()
  expect(await find(transactions)).toBe('a 2')
  await find(group)
  await find(group)
  expect(asked).toHaveLength(4)
})
