import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/consume/admission.ts'
import { Partition } from '../../src/consume/partition.ts'
import { ManualClock } from '../manual-clock.ts'

function setUp(window: { records: number; bytes: number }) {
  const paused: boolean[] = []
  const partition = new Partition(
    { topic: 't', partition: 0, position: 0n, metadata: '' },
    new ManualClock(),
    window,
    () => expect.unreachable(),
    (_, isPaused) => paused.push(isPaused),
  )
  const begin = (offset: bigint, bytes: number) => partition.begin(delivery(offset, bytes))!
  return { partition, paused, begin }
}

function delivery(offset: bigint, bytes: number): Delivery {
  const origin = { topic: 't', partition: 0, offset, timestampMs: 0 }
  return { record: { ...origin, key: null, value: Buffer.alloc(bytes), headers: [] }, origin, attempt: 1 }
}

describe('an assigned partition', () => {
  it('is paused when too many records of it are unfinished, and resumed at half', () => {
    const { partition, paused, begin } = setUp({ records: 4, bytes: 1_000 })
    const begun = [0n, 1n, 2n, 3n].map(offset => begin(offset, 1))
    expect(paused).toEqual([true])
    partition.finish(begun[2]!)
    expect(paused).toEqual([true])
    partition.finish(begun[0]!)
    expect(paused).toEqual([true, false])
  })

  it('is paused when what is unfinished takes too many bytes', () => {
    const { partition, paused, begin } = setUp({ records: 1_000, bytes: 100 })
    const first = begin(0n, 60)
    const second = begin(1n, 60)
    expect(paused).toEqual([true])
    partition.finish(second)
    expect(paused).toEqual([true])
    partition.finish(first)
    expect(paused).toEqual([true, false])
  })

  it('stays paused as long as any reason lasts', () => {
    const { partition, paused, begin } = setUp({ records: 1, bytes: 1_000 })
    const tracked = begin(0n, 1)
    partition.block()
    partition.block()
    partition.finish(tracked)
    expect(partition.unblock()).toBe(false)
    expect(paused).toEqual([true])
    expect(partition.unblock()).toBe(true)
    expect(paused).toEqual([true, false])
  })
})
