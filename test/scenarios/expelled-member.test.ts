/** A member that the group has gone on without, and that has not been told: the broker's answer to its commit is the first word of it. */
import { expect, inject, onTestFinished, test } from 'vitest'
import { newClient } from '../../src/broker/kafkajs/client.ts'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import { codeOf } from '../../src/errors.ts'
import { topicOf } from '../contract/fixture.ts'
import { patience, startConsumer } from '../contract/recording-consumer.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'

interface Coordinator {
  describeGroups(of: { groupIds: string[] }): Promise<{ groups: { members: { memberId: string }[] }[] }>
  leaveGroup(of: { groupId: string; memberId: string }): Promise<unknown>
}

test('a commit of a member that was expelled is refused as that of an assignment that is lost', async () => {
  const options = { brokers: inject('brokers'), clientId: unique('expelled') }
  const broker = connectKafka(options)
  const client = newClient(options)
  onTestFinished(async () => {
    await Promise.all([broker.close(), client.close()])
  })
  const topic = await topicOf(broker)
  const group = unique('group')
  const answers: (string | undefined)[] = []
  const member = await startConsumer(broker, {
    group,
    topics: [topic],
    commitOnRevoking: false,
    onRevoking: async () => {
      const late = member.commit([{ topic, partition: 0, offset: 0n, metadata: '' }])
      answers.push(await late.then(() => 'committed', codeOf))
    },
  })
  const found = await (await client.cluster()).findGroupCoordinator({ groupId: group })
  const coordinator = found as unknown as Coordinator
  const { groups } = await coordinator.describeGroups({ groupIds: [group] })
  await coordinator.leaveGroup({ groupId: group, memberId: groups[0]!.members[0]!.memberId })
  await until(() => answers.length > 0, { ...patience, what: 'the member to be told' })
  expect(answers[0]).toBe('E_ASSIGNMENT_LOST')
})
