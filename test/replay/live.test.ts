import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { moveGroup, planMove } from '../../src/replay/live.ts'
import { parsePosition } from '../../src/replay/position.ts'
import { stage } from './stage.ts'

async function moved(from: string, topics?: readonly string[]) {
  const { admin, publish, processorOf, events } = await stage({ partitions: 1, topics: ['steps', 'others'] })
  const processor = processorOf(() => {})
  await publish(['a'], 1, 10)
  await publish(['a'], 1, 3, events[1])
  await admin.commit('walk', [{ topic: 'steps', partition: 0, offset: 6n, metadata: 's1:b:_w' }])
  const plan = await planMove(admin, processor, parsePosition('from', from, Date.now()), topics)
  return { admin, plan, processor }
}

test('the plan says where each partition stands and would stand, and what that means', async () => {
  const { plan } = await moved('2')
  expect(plan).toEqual({
    group: 'walk',
    members: 0,
    unmoved: 0,
    partitions: [
      { topic: 'steps', partition: 0, before: 6n, after: 2n, again: 4n, passedOver: 0n },
      { topic: 'others', partition: 0, before: undefined, after: 2n, again: 0n, passedOver: 2n },
    ],
  })
})

test('moved, nothing above the offset is called finished any more', async () => {
  const { admin, plan } = await moved('-4', ['steps'])
  await moveGroup(admin, plan)
  expect(await admin.committed('walk', ['steps', 'others'])).toEqual([
    { topic: 'steps', partition: 0, offset: 2n, metadata: '' },
    { topic: 'others', partition: 0, offset: -1n, metadata: '' },
  ])
})

test('a partition that stands there already keeps what is finished further on', async () => {
  const { admin, plan } = await moved('6', ['steps'])
  expect(plan).toMatchObject({ partitions: [], unmoved: 1 })
  await moveGroup(admin, plan)
  expect(await admin.committed('walk', ['steps'])).toMatchObject([{ offset: 6n, metadata: 's1:b:_w' }])
})

test('a group that has members by now is not moved', async () => {
  const { admin, plan } = await moved('0')
  const busy = memoryBroker()
  await busy.admin().createTopics(['steps', 'others'].map(name => ({ name, partitions: 1, replicationFactor: 1, config: {} })))
  const member = busy.consumer({
    group: 'walk',
    topics: ['steps'],
    startAtEnd: [],
    assigner: { name: 'all', assign: ([one]) => new Map([[one!.memberId, [{ topic: 'steps', partition: 0 }]]]) },
    rebalanceTimeoutMs: 1_000,
    sessionTimeoutMs: 1_000,
    onAssigned: async () => {},
    onRecords: async () => {},
    onPosition: () => {},
    onReset: () => {},
    onRevoking: async () => {},
    onCrash: () => {},
  })
  await member.start()
  await expect(moveGroup(busy.admin(), plan)).rejects.toMatchObject({ code: 'E_GROUP_ACTIVE' })
  expect((await busy.admin().committed('walk', ['steps']))[0]?.offset).toBe(-1n)
  await member.stop()
  await moveGroup(busy.admin(), plan)
  expect(await admin.groups(['walk'])).toMatchObject([{ members: 0 }])
})

test('only topics of the consumer', async () => {
  await expect(moved('0', ['orders'])).rejects.toMatchObject({
    code: 'E_USAGE',
    message: expect.stringContaining('steps, others'),
  })
})
