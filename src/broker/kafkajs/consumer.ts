import { setTimeout as pause } from 'node:timers/promises'
import type { Consumer } from 'kafkajs'
import { AssignmentLost, BrokerRefused, BrokerUnavailable, type SpillwayError } from '../../errors.ts'
import type { CommittedOffset, GroupConsumer, GroupConsumerOptions, TopicPartition } from '../port.ts'
import { kafkaJsAssigner } from './assigner.ts'
import type { Assignment } from './assignment.ts'
import { type Client, patience } from './client.ts'
import { describeTopics } from './cluster.ts'
import { meansLostAssignment, meansStaleMetadata } from './errors.ts'
import { withFetchSessions } from './fetch-session.ts'
import type { Cluster, FetchedBatch } from './internals.ts'
import { hookGroup } from './join-hook.ts'
import { library } from './library.ts'
import { toProtocol } from './positions.ts'
import { GroupSession } from './session.ts'
import { Watchdog } from './watchdog.ts'

const maxWaitMs = 500
const leaveWithinMs = 10_000
const commitAttempts = 4

export function groupConsumer(client: Client, options: GroupConsumerOptions): GroupConsumer {
  const watchdog = new Watchdog({
    silentAfterMs: Math.max(3 * maxWaitMs, options.sessionTimeoutMs),
    joinWithinMs: options.rebalanceTimeoutMs + options.sessionTimeoutMs,
    onSilent: silentMs => {
      client.renewCluster()
      crash(new BrokerUnavailable(`The consumer of ${options.group} got no answer for ${silentMs / 1000} s`))
    },
  })
  const session = new GroupSession(client, options, watchdog)
  const { consumer, cluster } = newConsumer(client, options, session)
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined

  const crash = (failure: SpillwayError): void => {
    watchdog.stop()
    session.abandon()
    if (session.stopping || hasCrashed) return
    hasCrashed = true
    if (isSettled) options.onCrash(failure)
    else session.joined.reject(failure)
  }
  consumer.on(consumer.events.CRASH, ({ payload }) =>
    crash(client.failure(`consume as ${options.group}`, session.refusal ?? payload.error)),
  )
  consumer.on(consumer.events.HEARTBEAT, () => watchdog.heard())
  let hasCrashed = false
  let isSettled = false
  session.joined.promise.then(
    () => {
      isSettled = true
    },
    () => {},
  )

  return {
    start() {
      starting ??= begin(client, options, session, consumer, cluster)
      return starting
    },
    commit: offsets => commit(client, options.group, session, offsets),
    pause: partitions => targets(partitions, session.assignment, 'pause'),
    resume: partitions => targets(partitions, session.assignment, 'resume'),
    stop() {
      stopping ??= end(session, consumer, cluster, starting)
      return stopping
    },
  }
}

function newConsumer(
  client: Client,
  options: GroupConsumerOptions,
  session: GroupSession,
): { consumer: Consumer; cluster: Cluster } {
  let cluster: Cluster | undefined
  const consumer = client.newKafka().consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    // It is also how late a member learns of a rebalance, and the whole group stands still until the last one has.
    heartbeatInterval: Math.min(1000, Math.floor(options.sessionTimeoutMs / 3)),
    maxWaitTimeInMs: maxWaitMs,
    maxBytesPerPartition: 1024 * 1024,
    allowAutoTopicCreation: false,
    // A restart inside kafkajs would forget positions and pauses; whoever runs us builds a new consumer.
    retry: { ...patience, restartOnFailure: () => Promise.resolve(false) },
    partitionAssigners: [
      kafkaJsAssigner(options.assigner, given => {
        cluster = given
      }),
    ],
  })
  const found = cluster!
  hookGroup(found, session)
  withFetchSessions(found, library().fetchProtocol, () => session.heard())
  // kafkajs awaits this before it tells of a crash; a rejection there would be nobody's, and end the process.
  const disconnect = found.disconnect.bind(found)
  found.disconnect = () => disconnect().catch(() => {})
  return { consumer, cluster: found }
}

async function begin(
  client: Client,
  options: GroupConsumerOptions,
  session: GroupSession,
  consumer: Consumer,
  cluster: Cluster,
): Promise<void> {
  try {
    await client.admitted()
    await consumer.connect()
    const partitions = await countPartitions(options.topics, cluster)
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
    if (session.stopping) throw new BrokerUnavailable(`The consumer of ${options.group} was stopped before it had joined`)
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // A batch waits for a free worker, so one for each partition, and some for partitions that are added later.
      partitionsConsumedConcurrently: Math.min(partitions + 16, 512),
      eachBatch: ({ batch, heartbeat }) => session.handle(batch as unknown as FetchedBatch, heartbeat),
    })
    if (session.stopping) throw new BrokerUnavailable(`The consumer of ${options.group} was stopped before it had joined`)
    await session.joined.promise
  } catch (error) {
    void consumer.disconnect().catch(() => {})
    throw client.failure(`join the group ${options.group}`, session.refusal ?? error)
  }
}

async function countPartitions(topics: readonly string[], cluster: Cluster): Promise<number> {
  const found = await describeTopics(cluster, topics)
  const missing = topics.filter(topic => !found.some(one => one.topic === topic))
  if (missing.length > 0)
    throw new BrokerRefused(`There is no topic ${missing.join(', ')}. Create it with \`spillway topic apply\``)
  return found.reduce((sum, { partitionMetadata }) => sum + partitionMetadata.length, 0)
}

/**
 * Under the generation that the offsets belong to, and not through kafkajs: its consumer commits nothing, without a word, once a
 * stop has begun, and retries past a rejoin.
 */
async function commit(client: Client, group: string, session: GroupSession, offsets: readonly CommittedOffset[]): Promise<void> {
  const assignment = session.assignment
  if (assignment === undefined) throw new AssignmentLost(`${group} has no assignment to commit for`)
  if (offsets.length === 0) return
  const request = { ...assignment.member, topics: toProtocol(offsets) }
  let coordinator = assignment.group.coordinator
  for (let attempt = 1; ; attempt++) {
    try {
      await coordinator.offsetCommit(request)
      return
    } catch (error) {
      if (meansLostAssignment(error) || session.assignment !== assignment) {
        throw new AssignmentLost(`The assignment of ${group} (generation ${assignment.member.groupGenerationId}) is over`, {
          cause: error,
        })
      }
      if (attempt === commitAttempts || !meansStaleMetadata(error)) throw client.failure(`commit for ${group}`, error)
      await pause(100 * 2 ** attempt)
      coordinator = await assignment.group.cluster.findGroupCoordinator({ groupId: group }).catch(() => coordinator)
    }
  }
}

// Without an assignment there is nothing to pause, and the next one begins with nothing paused.
function targets(partitions: readonly TopicPartition[], assignment: Assignment | undefined, change: 'pause' | 'resume'): void {
  const list = partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }))
  if (list.length > 0) assignment?.group.subscriptionState[change](list)
}

async function end(
  session: GroupSession,
  consumer: Consumer,
  cluster: Cluster,
  starting: Promise<void> | undefined,
): Promise<void> {
  await session.stop()
  const leaving = async (): Promise<void> => {
    // A consumer that is stopped while it starts would go on starting.
    await starting?.catch(() => {})
    await consumer.disconnect()
  }
  const limit = new AbortController()
  const left = await Promise.race([
    leaving().then(
      () => true,
      () => true,
    ),
    pause(leaveWithinMs, false, { signal: limit.signal }).catch(() => true),
  ])
  limit.abort()
  if (!left) void cluster.disconnect()
}
