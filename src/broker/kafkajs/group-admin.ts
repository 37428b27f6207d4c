/** What is asked of a group's coordinator by somebody who is no member of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { GroupActive } from '../../errors.ts'
import type { CommittedOffset } from '../port.ts'
import type { Client } from './client.ts'
import { describeTopics } from './cluster.ts'
import { meansStaleMetadata, protocolType } from './errors.ts'
import type { Node } from './internals.ts'
import { toProtocol } from './positions.ts'

const attempts = 6

export async function committedOffsets(client: Client, group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
  const cluster = await client.cluster()
  const found = await describeTopics(cluster, topics)
  if (found.length === 0) return []
  const request = found.map(({ topic, partitionMetadata }) => ({
    topic,
    partitions: partitionMetadata.map(({ partitionId }) => ({ partition: partitionId })),
  }))
  const { responses } = await asked(client, group, coordinator => coordinator.offsetFetch({ groupId: group, topics: request }))
  return responses.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset, metadata }) => ({ topic, partition, offset: BigInt(offset), metadata: metadata ?? '' })),
  )
}

/** Without a generation: the coordinator takes such a commit only while nobody is in the group, so there is no race to lose. */
export async function commitFor(client: Client, group: string, offsets: readonly CommittedOffset[]): Promise<void> {
  if (offsets.length === 0) return
  const request = { groupId: group, groupGenerationId: -1, memberId: '', topics: toProtocol(offsets) }
  await asked(client, group, coordinator => coordinator.offsetCommit(request), 'UNKNOWN_MEMBER_ID')
}

export async function deleteGroup(client: Client, group: string): Promise<void> {
  const ask = async (coordinator: Node): Promise<void> => {
    const error = (await coordinator.deleteGroups([group])).results[0]?.error
    if (error !== undefined && protocolType(error) !== 'GROUP_ID_NOT_FOUND') throw error
  }
  await asked(client, group, ask, 'NON_EMPTY_GROUP')
}

/** A coordinator moves, and of a fresh cluster it is not ready at once. `active`: what the broker answers when the group has members. */
async function asked<T>(client: Client, group: string, ask: (coordinator: Node) => Promise<T>, active?: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const coordinator = await (await client.cluster()).findGroupCoordinator({ groupId: group })
      return await ask(coordinator)
    } catch (error) {
      if (active !== undefined && protocolType(error) === active)
        throw new GroupActive(`The group ${group} has members`, { cause: error })
      if (attempt === attempts || !meansStaleMetadata(error)) throw error
      await pause(100 * 2 ** attempt)
    }
  }
}
