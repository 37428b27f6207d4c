import { expect, test } from 'vitest'
import type { Client } from '../../../src/broker/kafkajs/client.ts'
import { commitFor, committedOffsets, deleteGroup } from '../../../src/broker/kafkajs/group-admin.ts'

const answer = (type: string) => Object.assign(new Error(type), { type })

/** A coordinator that answers each question `wrong` first, twice. */
function clientOf(wrong: string) {
  let left = 2
  const asked: string[] = []
  const question = <T>(name: string, right: T) => {
    return async () => {
      asked.push(name)
      if (left-- > 0) throw answer(wrong)
      return right
    }
  }
  const partitions = [{ partition: 0, offset: '7', metadata: 'm' }]
  const coordinator = {
    offsetFetch: question('fetch', { responses: [{ topic: 'steps', partitions }] }),
    offsetCommit: question('commit', {}),
    deleteGroups: question('delete', { results: [{}] }),
  }
  const metadata = async () => ({ topicMetadata: [{ topic: 'steps', partitionMetadata: [{ partitionId: 0 }] }] })
  const cluster = {
    findGroupCoordinator: async () => coordinator,
    brokerPool: { findConnectedBroker: async () => ({ metadata }) },
  }
  return { client: { cluster: async () => cluster } as unknown as Client, asked }
}

const calls = {
  fetch: (client: Client) => committedOffsets(client, 'g', ['steps']),
  commit: (client: Client) => commitFor(client, 'g', [{ topic: 'steps', partition: 0, offset: 7n, metadata: '' }]),
  delete: (client: Client) => deleteGroup(client, 'g'),
}

test.each(Object.entries(calls))('%s: another coordinator is asked when it has moved, or is not ready', async (name, call) => {
  for (const wrong of ['NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS']) {
    const { client, asked } = clientOf(wrong)
    await call(client)
    expect(asked).toEqual([name, name, name])
  }
})

test.each(Object.entries(calls))('%s: a refusal is told at once', async (name, call) => {
  const { client, asked } = clientOf('GROUP_AUTHORIZATION_FAILED')
  await expect(call(client)).rejects.toMatchObject({ type: 'GROUP_AUTHORIZATION_FAILED' })
  expect(asked).toEqual([name])
})
