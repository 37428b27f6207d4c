/** Waits until every message has come to its end in every group: no lag on sources and tiers, and an outcome for each. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from '../../../src/broker/port.ts'
import service from '../spillway.config.ts'
import { kafka } from './kafka.ts'
import { DemoError } from './options.ts'
import type { Progress } from './progress.ts'
import type { Published } from './publish.ts'
import { type Group, groups, type Tally } from './tally.ts'

/** Longer than the longest tier, in which nothing need happen. */
const patienceMs = 6 * 60_000
const pollMs = 250

/** Throws DemoError when nothing moves any more. */
export async function drained(published: Published, tally: Tally, progress: Progress): Promise<void> {
  const broker = kafka()
  const admin = broker.admin()
  try {
    let moved = { at: Date.now(), state: '' }
    for (;;) {
      const ended = groups.map(group => `${group} ${tally.ended(group)}/${expected(group, published, tally)}`).join(' · ')
      progress.show(ended)
      const all = groups.every(group => tally.ended(group) >= expected(group, published, tally))
      if (all && (await nothingWaits(admin))) return
      if (moved.state !== ended) moved = { at: Date.now(), state: ended }
      if (Date.now() - moved.at > patienceMs)
        throw new DemoError(`nothing has moved for ${patienceMs / 60_000} minutes: ${ended}`)
      await sleep(pollMs)
    }
  } finally {
    await broker.close()
  }
}

/** How many messages must come to an end in a group. */
function expected(group: Group, { placed, cancelled }: Published, tally: Tally): number {
  const garbage = 1
  return group === 'receipts' ? tally.count('order-receipts', 'handled') : placed + cancelled + garbage
}

/**
 * Reads along the way of a message: order-receipts before receipts, sources before tiers, shorter tiers before longer ones. So what
 * leaves a topic while this looks is seen in the next one.
 */
async function nothingWaits(admin: Admin): Promise<boolean> {
  for (const { name, subscriptions, ladder } of service.processors) {
    const sources = new Set(subscriptions.map(({ definition }) => definition.topic.name))
    for (const topic of [...sources, ladder.immediate.topic, ...ladder.tiers.map(tier => tier.topic)])
      if (!(await isRead(admin, name, topic))) return false
  }
  return true
}

async function isRead(admin: Admin, group: string, topic: string): Promise<boolean> {
  const committed = new Map((await admin.committed(group, [topic])).map(({ partition, offset }) => [partition, offset]))
  const bounds = await admin.bounds(topic)
  return bounds.every(({ partition, low, high }) => {
    const offset = committed.get(partition) ?? -1n
    return (offset < 0n ? low : offset) >= high
  })
}
