/** A member that commits several topics in one request over and over, and a look at what the group has committed meanwhile. */
import type { Admin, Broker } from '../../src/broker/port.ts'
import { startConsumer } from '../contract/recording-consumer.ts'

export interface Committing {
  readonly group: string
  /** The last number that was acknowledged. */
  acknowledged(): number
  /** Begins no further one. */
  stop(): void
}

/** Each request has the same number as the offset of every partition. It goes on until it is stopped or a commit is refused. */
export async function startCommitting(broker: Broker, topics: readonly string[], group: string): Promise<Committing> {
  const member = await startConsumer(broker, { group, topics, commitOnRevoking: false })
  const partitions = member.assignment()!
  let acknowledged = 0
  let stopping = false
  const committing = (async () => {
    for (let n = 1; !stopping; n++) {
      await member.commit(partitions.map(({ topic, partition }) => ({ topic, partition, offset: BigInt(n), metadata: `${n}` })))
      acknowledged = n
    }
  })()
  committing.catch(() => {})
  return {
    group,
    acknowledged: () => acknowledged,
    stop: () => {
      stopping = true
    },
  }
}

/** What one request says that the group has committed: each distinct offset and metadata, of all partitions of the topics. */
export async function committedAtOnce(admin: Admin, group: string, topics: readonly string[]): Promise<string[]> {
  const committed = await admin.committed(group, topics)
  return [...new Set(committed.map(({ offset, metadata }) => `${offset} ${metadata}`))]
}
