import { expect, test } from 'vitest'
import { kafkaJsAssigner } from '../../../src/broker/kafkajs/assigner.ts'
import { library } from '../../../src/broker/kafkajs/library.ts'
import { coPartitioned } from '../../../src/consume/assignment.ts'

test('topics with names that every object has are assigned like any other', async () => {
  const topics = ['constructor', 'plain', 'toString']
  const topicMetadata = topics.map(topic => ({ topic, partitionMetadata: [{ partitionId: 0, leader: 1, replicas: [1] }] }))
  const node = { metadata: async () => ({ topicMetadata }) }
  const assigner = kafkaJsAssigner(
    coPartitioned(() => expect.unreachable()),
    () => {},
  )
  const { assign, protocol } = assigner({ cluster: { brokerPool: { findConnectedBroker: async () => node } } } as never)
  const members = [{ memberId: 'm', memberMetadata: protocol({ topics }).metadata }]
  const [assigned] = await assign({ members, topics })
  const decoded = library().AssignerProtocol.MemberAssignment.decode(assigned!.memberAssignment)
  expect(decoded!.assignment).toEqual({ constructor: [0], plain: [0], toString: [0] })
})
