import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coPartitioned } from '../../src/consume/assignment.ts'

const topics = ['orders', 'payments', 'g.retry.1s', 'g.retry.5s']
const counts = fc
  .array(fc.integer({ min: 1, max: 8 }), { minLength: 4, maxLength: 4 })
  .map(sizes => new Map(topics.map((topic, i) => [topic, sizes[i]!])))
const members = fc
  .array(fc.subarray(topics, { minLength: 1 }), { minLength: 1, maxLength: 5 })
  .map(subscriptions => subscriptions.map((subscribed, i) => ({ memberId: `m${i}`, topics: subscribed })))

describe('co-partitioned assignment', () => {
  it('gives every partition of a topic that somebody reads to exactly one subscriber, and partition numbers whole where it can', () => {
    fc.assert(
      fc.property(members, counts, (group, partitionCounts) => {
        const risks = new Set<number>()
        const assignment = coPartitioned(partition => risks.add(partition)).assign(group, partitionCounts)
        const owners = new Map<string, string>()
        for (const [memberId, partitions] of assignment) {
          for (const { topic, partition } of partitions) {
            expect(owners.has(`${topic}/${partition}`)).toBe(false)
            owners.set(`${topic}/${partition}`, memberId)
            expect(group.find(member => member.memberId === memberId)!.topics).toContain(topic)
          }
        }
        for (const [topic, count] of partitionCounts) {
          for (let partition = 0; partition < count; partition++) {
            expect(owners.has(`${topic}/${partition}`)).toBe(group.some(member => member.topics.includes(topic)))
          }
        }
        for (let partition = 0; partition < 8; partition++) {
          const present = topics.filter(topic => partitionCounts.get(topic)! > partition)
          const coverable = group.some(member => present.every(topic => member.topics.includes(topic)))
          const holders = new Set(present.map(topic => owners.get(`${topic}/${partition}`)).filter(owner => owner !== undefined))
          if (coverable && present.length > 0) expect(holders.size).toBe(1)
          expect(risks.has(partition)).toBe(present.length > 0 && !coverable)
        }
      }),
    )
  })

  it('shares partition numbers evenly among equal members', () => {
    const group = ['a', 'b', 'c'].map(memberId => ({ memberId, topics }))
    const assignment = coPartitioned(() => {}).assign(group, new Map(topics.map(topic => [topic, 7])))
    const numbers = [...assignment.values()].map(partitions => new Set(partitions.map(({ partition }) => partition)).size)
    expect(numbers.sort()).toEqual([2, 2, 3])
  })
})
