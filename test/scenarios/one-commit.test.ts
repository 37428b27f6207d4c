/**
 * A commit of several topics in one request is one step for the broker: who reads the commits of the group sees all of it or
 * nothing. Order rests on it: a record that has succeeded in a tier and its successor at the source are committed together, or
 * a crash would run the old one again after the new one. test/faults has the same over a kill of the broker.
 *
 * What takes it apart: a partition of the request that is in error (metadata over 4,096 characters, a topic that is gone), while the
 * others are committed; and a request that has to be split because it is larger than what the coordinator writes at once.
 */
import { expect, test } from 'vitest'
import { commitRequests } from '../../src/consume/commit-requests.ts'
import { startConsumer } from '../contract/recording-consumer.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { committedAtOnce, startCommitting } from './committing.ts'
import { openScenario, patienceMs } from './harness.ts'

const plain = { replicationFactor: 1, config: {} }

test('nobody sees the topics of one commit apart', async () => {
  const { broker, admin } = await openScenario()
  const topics = [unique('source'), unique('tier'), unique('later-tier')]
  await admin.createTopics(topics.map(name => ({ ...plain, name, partitions: 2 })))
  const committing = await startCommitting(broker, topics, unique('committing'))
  const seen = new Set<string>()
  let apart: string[] = []
  await until(
    async () => {
      const found = await committedAtOnce(admin, committing.group, topics)
      if (found.length > 1) apart = found
      else seen.add(found[0]!)
      return apart.length > 0 || (seen.size >= 200 && committing.acknowledged() > 1_000)
    },
    { withinMs: patienceMs, what: 'many looks at many commits' },
  )
  committing.stop()
  expect(apart).toEqual([])
})

test('a commit larger than a coordinator writes at once is refused whole, and goes through as the requests that it is split into', async () => {
  const { broker, admin } = await openScenario()
  const [source, tier] = [unique('source'), unique('tier')]
  await admin.createTopics([source, tier].map(name => ({ ...plain, name, partitions: 150 })))
  const group = unique('large')
  const member = await startConsumer(broker, { group, topics: [source, tier], commitOnRevoking: false })
  const metadata = 'x'.repeat(4_000)
  const all = member.assignment()!.map(({ topic, partition }) => ({ topic, partition, offset: 1n, metadata }))
  expect(all).toHaveLength(300)
  const offsets = async () => new Set((await admin.committed(group, [source, tier])).map(({ offset }) => offset))

  await expect(member.commit(all)).rejects.toThrow()
  expect(await offsets()).toEqual(new Set([-1n]))
  for (const request of commitRequests(group, all)) await member.commit(request)
  expect(await offsets()).toEqual(new Set([1n]))
})
