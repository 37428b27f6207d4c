import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BrokerRecord } from '../../src/broker/port.ts'
import { decodeFinished, encodeFinished } from '../../src/consume/finished.ts'
import { Partition, type Tracked } from '../../src/consume/partition.ts'
import { ManualClock } from '../manual-clock.ts'

function setUp(window: { records: number; bytes: number }) {
  const paused: boolean[] = []
  const begun: Tracked[] = []
  const partition = new Partition(
    { topic: 't', partition: 0, position: 0n, metadata: '', end: 0n },
    {
      clock: new ManualClock(),
      window,
      toDelivery: record => ({ record, origin: record, attempt: 1 }),
      onBegun: tracked => begun.push(tracked),
      onDue: () => expect.unreachable(),
      onAdvanced: () => {},
      pause: (_, isPaused) => paused.push(isPaused),
    },
  )
  return { partition, paused, begun }
}

function records(from: number, count: number, bytes = 1): BrokerRecord[] {
  const value = Buffer.alloc(bytes)
  return Array.from({ length: count }, (_, i) => ({
    topic: 't',
    partition: 0,
    offset: BigInt(from + i),
    timestampMs: 0,
    key: null,
    value,
    headers: [],
  }))
}

describe('an assigned partition', () => {
  it('begins no more records than its window has room for, is paused meanwhile, and resumed at half', () => {
    const { partition, paused, begun } = setUp({ records: 4, bytes: 1_000 })
    partition.accept(records(0, 6))
    partition.advanceTo(6n, 6n)
    expect([begun.length, paused]).toEqual([4, [true]])
    // What has not begun is not finished, whatever has been read.
    expect(partition.ledger.position).toBe(4n)
    partition.finish(begun[2]!)
    partition.finish(begun[0]!)
    expect([begun.length, paused, partition.ledger.position]).toEqual([6, [true], 6n])
    partition.finish(begun[1]!)
    expect(paused).toEqual([true])
    partition.finish(begun[3]!)
    expect(paused).toEqual([true, false])
  })

  it('is resumed at half of what is not kept, however long that stays', () => {
    const { partition, paused, begun } = setUp({ records: 10, bytes: 1_000 })
    partition.accept(records(0, 10))
    for (const tracked of begun.slice(0, 5)) partition.setKept(tracked, true)
    expect([paused, partition.keepsMuch]).toEqual([[true], true])
    for (const tracked of begun.slice(5, 7)) partition.finish(tracked)
    expect(paused).toEqual([true])
    partition.finish(begun[7]!)
    expect(paused).toEqual([true, false])
  })

  it('is paused when what is unfinished takes too many bytes', () => {
    const { partition, paused, begun } = setUp({ records: 1_000, bytes: 100 })
    partition.accept(records(0, 2, 60))
    expect([begun.length, paused]).toEqual([2, [true]])
    partition.finish(begun[1]!)
    expect(paused).toEqual([true])
    partition.finish(begun[0]!)
    expect(paused).toEqual([true, false])
  })

  it('stays paused as long as any reason lasts', () => {
    const { partition, paused, begun } = setUp({ records: 1, bytes: 1_000 })
    partition.accept(records(0, 1))
    partition.block('registry')
    partition.block('registry')
    partition.finish(begun[0]!)
    expect(partition.unblock()).toBe(false)
    expect(paused).toEqual([true])
    expect(partition.unblock()).toBe(true)
    expect(paused).toEqual([true, false])
  })

  it('never finishes more above the prefix than a commit can carry, whatever its batches are and whichever records are slow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1_000, max: 40_000 }), (everyNthIsSlow, batch) => {
        const { partition, begun } = setUp({ records: 5_000, bytes: 1e9 })
        let done = 0
        for (let from = 0; from < 60_000; from += batch) {
          partition.accept(records(from, batch))
          for (; done < begun.length; done++)
            if (Number(begun[done]!.entry.offset) % everyNthIsSlow !== 0) partition.finish(begun[done]!)
        }
        const { prefix } = partition.ledger
        const ranges = partition.ledger.finishedAbovePrefix()
        expect(decodeFinished(prefix, encodeFinished(prefix, ranges))).toEqual(ranges)
      }),
      { numRuns: 6 },
    )
  })

  it('goes on as long as one slow record stands at the prefix', () => {
    const { partition, begun, paused } = setUp({ records: 5_000, bytes: 1e9 })
    for (let from = 0; from < 200_000; from += 1_000) {
      partition.accept(records(from, 1_000))
      while (begun.length > 0) for (const tracked of begun.splice(0)) if (tracked.entry.offset !== 0n) partition.finish(tracked)
    }
    expect([partition.ledger.prefix, partition.ledger.position, paused.at(-1)]).toEqual([0n, 200_000n, false])
  })

  it('does not go on for ever: what it remembers of finished records is bounded', () => {
    const { partition, begun, paused } = setUp({ records: 5_000, bytes: 1e9 })
    for (let from = 0; from < 510_000; from += 5_000) {
      partition.accept(records(from, 5_000))
      while (begun.length > 0) for (const tracked of begun.splice(0)) if (tracked.entry.offset !== 0n) partition.finish(tracked)
    }
    expect([partition.ledger.tracked, paused.at(-1)]).toEqual([500_000, true])
  })
})
