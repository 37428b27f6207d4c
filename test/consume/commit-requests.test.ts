import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AssignedPartition, CommittedOffset } from '../../src/broker/port.ts'
import { commitRequests } from '../../src/consume/commit-requests.ts'
import { encodeFinished } from '../../src/consume/finished.ts'
import { until } from '../until.ts'
import { loopFixture, recordOf } from './loop-fixture.ts'

const group = 'some-group'
const brokersMost = 1_048_588

const log = (topic: string, partition: number, chars: number): CommittedOffset => ({
  topic,
  partition,
  offset: 1n,
  metadata: 'x'.repeat(chars),
})

/** As the broker counts it, at least. */
const bytesOf = (request: readonly CommittedOffset[]) =>
  request.reduce((sum, { topic, metadata }) => sum + group.length + topic.length + metadata.length + 50, 0)

describe('the requests of a commit', () => {
  it('are one when it fits, and none for nothing', () => {
    expect(commitRequests(group, [])).toEqual([])
    const logs = Array.from({ length: 200 }, (_, i) => log('orders', i, 4_000))
    expect(commitRequests(group, logs)).toEqual([logs])
  })

  it('never part the logs of one partition number, each hold what a broker takes, and leave nothing out', () => {
    const logs = fc.array(
      fc.record({
        topic: fc.constantFrom('a', 'b', 'c.retry.1s'),
        partition: fc.nat(300),
        chars: fc.constantFrom(0, 100, 4_000, 4_000),
      }),
      { minLength: 600, maxLength: 1_500 },
    )
    fc.assert(
      fc.property(logs, made => {
        const offsets = made.map(({ topic, partition, chars }) => log(topic, partition, chars))
        const requests = commitRequests(group, offsets)
        expect(requests.length).toBeGreaterThan(1)
        const numbers = requests.map(request => [...new Set(request.map(({ partition }) => partition))])
        expect(new Set(numbers.flat()).size).toBe(numbers.flat().length)
        for (const [i, request] of requests.entries())
          if (numbers[i]!.length > 1) expect(bytesOf(request)).toBeLessThan(brokersMost)
        expect(requests.flat()).toHaveLength(offsets.length)
        expect(new Set(requests.flat())).toEqual(new Set(offsets))
      }),
      { numRuns: 30 },
    )
  })

  it('go out one after the other, and one that fails is told of and sent again while the others hold', async () => {
    const refused: number[] = []
    const { loop, commits, take, clock, signals } = loopFixture({
      commit: async ([first]) => {
        if (refused.push(first!.partition) === 1) throw new Error('not now')
      },
    })
    const failures: unknown[] = []
    signals.on('commit.failed', failure => failures.push(failure))
    // Finished by an earlier assignment, far above and far apart: the commit goes on telling of them.
    const finished = Array.from({ length: 300 }, (_, i) => ({
      from: BigInt(i + 1) * 10n ** 12n,
      to: BigInt(i + 1) * 10n ** 12n + 1n,
    }))
    const metadata = encodeFinished(0n, finished)
    const partitions = Array.from(
      { length: 300 },
      (_, partition): AssignedPartition => ({ topic: 'it-src', partition, position: 0n, metadata, end: 2n }),
    )
    await loop.onAssigned(partitions)
    for (let partition = 0; partition < 300; partition++) await take({ ...recordOf('it-src', 0), partition })
    await until(() => loop.progress()!.queued === 0, { withinMs: 5_000, what: 'all to be handled' })
    await until(() => clock.advanceTo(clock.now() + 200) === undefined && commits.length >= 3, {
      withinMs: 5_000,
      what: 'the commit and its repetition',
    })
    const [first, second, again] = commits
    expect(first!.length + second!.length).toBe(300)
    expect(again!.map(({ partition }) => partition)).toEqual(first!.map(({ partition }) => partition))
    expect(failures).toHaveLength(1)
  })
})
