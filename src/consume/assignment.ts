/**
 * Co-partitioned assignment: partition p of every topic of the group goes to the same member, so one process owns all records
 * of an entity, waiting ones included, and order needs no other store.
 */
import type { Assigner, GroupMember, TopicPartition } from '../broker/port.ts'

/** `onRisk` hears of the partition numbers that no single member could be given whole. It is called in the process that leads the group. */
export function coPartitioned(onRisk: (partition: number) => void): Assigner {
  return {
    name: 'spillway-copartitioned-1',
    assign(members, partitionCounts) {
      const assignment = new Map<string, TopicPartition[]>(members.map(member => [member.memberId, []]))
      const load = new Map<string, number>(members.map(member => [member.memberId, 0]))
      const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
      const give = (member: GroupMember, topics: readonly string[], partition: number) => {
        assignment.get(member.memberId)!.push(...topics.map(topic => ({ topic, partition })))
        load.set(member.memberId, load.get(member.memberId)! + 1)
      }
      for (let partition = 0; partition < Math.max(0, ...partitionCounts.values()); partition++) {
        const topics = [...partitionCounts.keys()].filter(topic => partitionCounts.get(topic)! > partition).sort()
        const whole = leastLoaded(
          sorted.filter(member => topics.every(topic => member.topics.includes(topic))),
          load,
        )
        if (whole) {
          give(whole, topics, partition)
          continue
        }
        onRisk(partition)
        for (const topic of topics) {
          const subscriber = leastLoaded(
            sorted.filter(member => member.topics.includes(topic)),
            load,
          )
          if (subscriber) give(subscriber, [topic], partition)
        }
      }
      return assignment
    },
  }
}

function leastLoaded(members: readonly GroupMember[], load: ReadonlyMap<string, number>): GroupMember | undefined {
  let best: GroupMember | undefined
  for (const member of members) if (!best || load.get(member.memberId)! < load.get(best.memberId)!) best = member
  return best
}
