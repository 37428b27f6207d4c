/** `spillway status` */
import { Command } from 'commander'
import type { Admin, Broker, CommittedOffset, GroupState } from '../broker/port.ts'
import { type Processor, sourceTopics } from '../consume/processor.ts'
import { countLetters } from '../dlq/read.ts'
import { codeOf } from '../errors.ts'
import { isTierOf, tierTopic } from '../topic/names.ts'
import { chooseProcessors } from './choose.ts'
import { inContext, type Output, outputOf } from './context.ts'

/** How far one group is. Undefined counts: the topic does not exist. */
export interface GroupStatus {
  readonly group: string
  readonly kind: Processor['kind']
  /** Kafka's word; Dead for a group that never ran. */
  readonly state: string
  readonly members: number
  /** Records of the source that are not known to be finished. */
  readonly topics: readonly { readonly topic: string; readonly lag: bigint | undefined }[]
  /** Records that wait in each retry tier, shortest delay first. */
  readonly waiting: readonly { readonly tier: string; readonly topic: string; readonly records: bigint | undefined }[]
  /** Letters in the DLQ that were not redriven. */
  readonly dead: bigint | undefined
}

export function statusCommand(): Command {
  return new Command('status')
    .description('How far each group is: lag, what waits in its retry tiers, dead letters')
    .argument('[names...]', 'consumers and workers; all when none is named')
    .addHelpText(
      'after',
      `
LAG      records of the topic that the group has not finished
WAITING  records that wait for a retry, in all tiers and in each
DEAD     letters in the DLQ: see spillway dlq list`,
    )
    .action((names: string[], _flags: object, command: Command) =>
      inContext(command, async ({ broker, service }) => {
        const groups = await statusOf(broker, chooseProcessors(await service(), names))
        const output = outputOf(command)
        if (output.json) output.list('GroupStatusList', groups.map(withNulls))
        else printTable(output, groups)
      }),
    )
}

export async function statusOf(broker: Broker, processors: readonly Processor[]): Promise<GroupStatus[]> {
  const admin = broker.admin()
  try {
    const names = await admin.topicNames()
    const states = await admin.groups(processors.map(({ name }) => name))
    const done: GroupStatus[] = []
    for (const processor of processors) {
      const state = states.find(({ group }) => group === processor.name)
      done.push(await groupStatus(broker, admin, processor, new Set(names), state))
    }
    return done
  } finally {
    await admin.close()
  }
}

async function groupStatus(
  broker: Broker,
  admin: Admin,
  processor: Processor,
  existing: ReadonlySet<string>,
  state: GroupState | undefined,
): Promise<GroupStatus> {
  const { name, kind, ladder } = processor
  const sources = sourceTopics(processor)
  const configured = [ladder.immediate, ...ladder.waits].map(({ topic }) => topic)
  // A tier that was taken out of the configuration is still drained.
  const former = [...existing].filter(topic => isTierOf(name, topic) && !configured.includes(topic))
  const present = [...sources, ...configured, ...former].filter(topic => existing.has(topic))
  const committed = await admin.committed(name, present)
  const rest = new Map<string, bigint>()
  for (const topic of present) rest.set(topic, await unfinished(admin, topic, committed))
  return {
    group: name,
    kind,
    state: state?.state ?? 'Dead',
    members: state?.members ?? 0,
    topics: sources.map(topic => ({ topic, lag: rest.get(topic) })),
    waiting: [...configured, ...former].map(topic => ({
      tier: topic.slice(tierTopic(name, '0s').length - 2),
      topic,
      records: rest.get(topic),
    })),
    dead: await deadLetters(broker, admin, name),
  }
}

/** Where a group has committed nothing, everything there is; what retention has removed since a commit is gone. */
async function unfinished(admin: Admin, topic: string, committed: readonly CommittedOffset[]): Promise<bigint> {
  const bounds = await admin.bounds(topic)
  return bounds.reduce((sum, { partition, low, high }) => {
    const position = committed.find(one => one.topic === topic && one.partition === partition)?.offset ?? -1n
    const from = position > low ? position : low
    return sum + (high > from ? high - from : 0n)
  }, 0n)
}

async function deadLetters(broker: Broker, admin: Admin, group: string): Promise<bigint | undefined> {
  const reader = broker.reader()
  try {
    return BigInt((await countLetters({ reader, admin, group })).left)
  } catch (error) {
    if (codeOf(error) === 'E_NO_DLQ') return undefined
    throw error
  } finally {
    await reader.close()
  }
}

/** JSON has no undefined: an unknown count is null there, not a missing field. */
function withNulls(status: GroupStatus): object {
  return {
    ...status,
    topics: status.topics.map(({ topic, lag = null }) => ({ topic, lag })),
    waiting: status.waiting.map(({ tier, topic, records = null }) => ({ tier, topic, records })),
    dead: status.dead ?? null,
  }
}

function printTable(output: Output, groups: readonly GroupStatus[]): void {
  const rows = groups.flatMap(status =>
    status.topics.map(({ topic, lag }, i) => ({
      ...(i === 0
        ? { group: status.group, state: status.state, members: status.members }
        : { group: '', state: '', members: '' }),
      topic,
      lag: lag ?? 'no topic',
      ...(i === 0 ? { waiting: waitingText(status), dead: status.dead ?? 'no topic' } : { waiting: '', dead: '' }),
    })),
  )
  output.table(rows, ['group', 'state', 'members', 'topic', 'lag', 'dead', 'waiting'])
  const lacking = groups.some(
    ({ topics, waiting, dead }) =>
      dead === undefined || [...topics.map(one => one.lag), ...waiting.map(one => one.records)].includes(undefined),
  )
  if (lacking) output.note('some topics do not exist: run spillway topic apply')
}

/** `12 (5s:10 5m:2)`: the tiers that have any. */
function waitingText({ waiting }: GroupStatus): string {
  const total = waiting.reduce((sum, { records = 0n }) => sum + records, 0n)
  const tiers = waiting.filter(({ records = 0n }) => records > 0n).map(({ tier, records }) => `${tier}:${records}`)
  return total === 0n ? '0' : `${total} (${tiers.join(' ')})`
}
