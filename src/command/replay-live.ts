/** `spillway replay --live`: moves the offsets of the group itself. */
import type { Command } from 'commander'
import type { Processor } from '../consume/processor.ts'
import { GroupActive } from '../errors.ts'
import { type MovePlan, moveGroup, type PlannedMove, planMove } from '../replay/live.ts'
import { type Position, positionText } from '../replay/position.ts'
import { parseRange, type ReplayRequest } from '../replay/request.ts'
import { type CommandContext, type Output, outputOf } from './context.ts'
import type { Asked } from './replay-flags.ts'
import { count, partitionsText } from './replay-words.ts'
import { shellWord } from './where.ts'

/** Rejects with GroupActive (E_GROUP_ACTIVE) while the group has members, and with what planMove rejects with. */
export async function moveLive(
  { broker }: CommandContext,
  processor: Processor,
  { flags, request }: Asked,
  command: Command,
): Promise<void> {
  const output = outputOf(command)
  const { from } = parseRange(request, Date.now())
  const admin = broker.admin()
  try {
    const plan = await planMove(admin, processor, from, request.topics)
    if (!flags.execute) {
      print('ReplayMovePlan', plan, output)
      if (plan.partitions.length > 0) output.note(`\nNothing has been moved. To move: ${commandText(plan.group, from, request)}`)
    }
    if (plan.members > 0) throw new GroupActive(activeText(plan))
    if (!flags.execute) return
    await moveGroup(admin, plan)
    print('ReplayMoveResult', plan, output)
  } finally {
    await admin.close()
  }
}

function activeText({ group, members }: MovePlan): string {
  const many = members === 1 ? '1 member' : `${members} members`
  return `${group} has ${many}: its offsets can be moved only while all of its processes are stopped`
}

function commandText(group: string, from: Position, { topics = [] }: ReplayRequest): string {
  const each = topics.map(name => ` --topic ${shellWord(name)}`).join('')
  return `spillway replay ${group} --live --from ${positionText(from)}${each} --execute`
}

function print(kind: 'ReplayMovePlan' | 'ReplayMoveResult', plan: MovePlan, output: Output): void {
  const { group, partitions, unmoved } = plan
  if (output.json) {
    output.list(kind, [{ ...plan, partitions: partitions.map(({ before = null, ...one }) => ({ ...one, before })) }])
    return
  }
  const rows = partitions.map(({ topic, partition, before = 'none', after, again, passedOver }) => ({
    topic,
    partition,
    before,
    after,
    again,
    'passed over': passedOver,
  }))
  if (rows.length > 0) output.table(rows)
  const total = (of: (one: PlannedMove) => bigint) => partitions.reduce((sum, one) => sum + of(one), 0n)
  const [again, passedOver] = [total(one => one.again), total(one => one.passedOver)]
  const moved = kind === 'ReplayMovePlan' ? 'would be moved' : 'moved'
  output.line(`${group}: ${partitionsText(partitions)} ${moved}, ${unmoved} stay`)
  if (again > 0n) output.line(`  ${count(again)} offsets will be read again`)
  if (passedOver > 0n) output.line(`  ${count(passedOver)} offsets will never be read by this group`)
  if (partitions.length > 0)
    output.line('  what waits in its retry tiers stays there: it is handled too, and so may be handled twice')
}
