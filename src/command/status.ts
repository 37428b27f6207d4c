/** `spillway status` */
import { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import type { Processor } from '../consume/processor.ts'
import { chooseProcessors } from './choose.ts'
import { inContext, type Output, outputOf } from './context.ts'
import { type GroupStatus, groupStatus } from './group-status.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('How far each group is: lag, what waits in its retry tiers, dead letters')
    .argument('[names...]', 'consumers and workers; all when none is named')
    .addHelpText(
      'after',
      `
LAG      records of the topic that the group has not finished
AGE      of the first of them
WAITING  records that wait for a retry, in all tiers and in each, and when the next one is due
DEAD     letters in the DLQ, and the age of the oldest: see spillway dlq list`,
    )
    .action((names: string[], _flags: object, command: Command) =>
      inContext(command, async ({ broker, service }) => {
        const groups = await statusOf(broker, chooseProcessors(await service(), names))
        const output = outputOf(command)
        const nowMs = Date.now()
        if (output.json)
          output.list(
            'GroupStatusList',
            groups.map(group => inJson(group, nowMs)),
          )
        else printTable(output, groups, nowMs)
      }),
    )
}

export async function statusOf(broker: Broker, processors: readonly Processor[]): Promise<GroupStatus[]> {
  const admin = broker.admin()
  const reader = broker.reader()
  try {
    const existing = new Set(await admin.topicNames())
    const states = await admin.groups(processors.map(({ name }) => name))
    const done: GroupStatus[] = []
    for (const processor of processors) {
      const state = states.find(({ group }) => group === processor.name)
      done.push(await groupStatus({ admin, reader, existing }, processor, state))
    }
    return done
  } finally {
    await reader.close()
    await admin.close()
  }
}

/** JSON has no undefined: what is not known is null there, not a missing field. */
function inJson({ topics, waiting, dead, oldestDeadMs, ...status }: GroupStatus, nowMs: number): object {
  return {
    ...status,
    topics: topics.map(({ topic, lag = null, oldestMs }) => ({ topic, lag, ageSeconds: ageSeconds(oldestMs, nowMs) })),
    waiting: waiting.map(({ tier, topic, records = null, nextDueMs }) => ({ tier, topic, records, nextDue: isoTime(nextDueMs) })),
    dead: dead ?? null,
    oldestDead: isoTime(oldestDeadMs),
  }
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** Of what is finished the age is 0. */
function ageSeconds(oldestMs: number | undefined, nowMs: number): number {
  return oldestMs === undefined ? 0 : Math.max(0, Math.round((nowMs - oldestMs) / 1_000))
}

function printTable(output: Output, groups: readonly GroupStatus[], nowMs: number): void {
  const rows = groups.flatMap(status =>
    status.topics.map(({ topic, lag, oldestMs }, i) => ({
      ...(i === 0
        ? { group: status.group, state: status.state, members: status.members }
        : { group: '', state: '', members: '' }),
      topic,
      lag: lag ?? 'no topic',
      age: oldestMs === undefined ? '-' : spanOf(nowMs - oldestMs),
      ...(i === 0 ? { waiting: waitingText(status, nowMs), dead: deadText(status, nowMs) } : { waiting: '', dead: '' }),
    })),
  )
  output.table(rows, ['group', 'state', 'members', 'topic', 'lag', 'age', 'dead', 'waiting'])
  const lacking = groups.some(
    ({ topics, waiting, dead }) =>
      dead === undefined || [...topics.map(one => one.lag), ...waiting.map(one => one.records)].includes(undefined),
  )
  if (lacking) output.note('some topics do not exist: run spillway topic apply')
}

/** `12 (5s:10 in 2s, 5m:2 in 3m)`: the tiers that have any, and when the next one of each is due. */
function waitingText({ waiting }: GroupStatus, nowMs: number): string {
  const total = waiting.reduce((sum, { records = 0n }) => sum + records, 0n)
  const tiers = waiting
    .filter(({ records = 0n }) => records > 0n)
    .map(
      ({ tier, records, nextDueMs = 0 }) =>
        `${tier}:${records} ${nextDueMs <= nowMs ? 'due' : `in ${spanOf(nextDueMs - nowMs)}`}`,
    )
  return total === 0n ? '0' : `${total} (${tiers.join(', ')})`
}

function deadText({ dead, oldestDeadMs }: GroupStatus, nowMs: number): string {
  if (dead === undefined) return 'no topic'
  return oldestDeadMs === undefined ? String(dead) : `${dead} (oldest ${spanOf(nowMs - oldestDeadMs)})`
}

/** The largest unit only: 12s, 5m, 3h, 9d. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
