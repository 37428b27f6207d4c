import { describe, expect, it } from 'vitest'
import type { BrokerRecord, CommittedOffset, GroupConsumer } from '../../src/broker/port.ts'
import { GroupLoop } from '../../src/consume/loop.ts'
import { consumer, on, type ProcessorOptions } from '../../src/consume/processor.ts'
import { type SignalMap, Signals } from '../../src/observe/signals.ts'
import { ManualClock } from '../manual-clock.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { until } from '../until.ts'
import { admitting } from './admitting.ts'

function setUp(options: ProcessorOptions = {}) {
  const { steps, opened } = stepsOn({ partitions: 1 })
  const signals = new Signals()
  const clock = new ManualClock(0)
  const resets: SignalMap['offset.reset'][] = []
  signals.on('offset.reset', reset => resets.push(reset))
  const settled: string[] = []
  const admission = admitting({
    settle: async ({ record }, { kind }) => void settled.push(`${record.offset} ${kind}`),
  })
  const commits: CommittedOffset[] = []
  const loop = new GroupLoop({
    processor: consumer('group-of-loop-test', [on(opened, () => undefined)], options),
    attempt: async () => ({ kind: 'returned', type: 'T', id: 'i', durationMs: 0 }),
    admission,
    signals,
    drainTimeoutMs: 100,
    clock,
  })
  loop.attach(
    {
      commit: async (offsets: readonly CommittedOffset[]) => void commits.push(...offsets),
      pause() {},
      resume() {},
    } as unknown as GroupConsumer,
    () => expect.unreachable(),
  )
  const at = { topic: steps.name, partition: 0 }
  const record = (offset: bigint, rest: Partial<BrokerRecord> = {}): BrokerRecord => ({
    ...at,
    offset,
    timestampMs: 0,
    key: null,
    value: null,
    headers: [],
    ...rest,
  })
  const hand = (...records: BrokerRecord[]) => loop.onRecords(records, async () => {})
  const done = (count: number) => until(() => settled.length === count, { withinMs: 1_000, what: `${count} records` })
  const committed = async () => {
    await until(() => clock.advanceTo(clock.now() + 200) === undefined && commits.length > 0, {
      withinMs: 1_000,
      what: 'a commit',
    })
    return commits.splice(0).map(({ offset }) => offset)
  }
  return { loop, signals, resets, settled, at, record, hand, done, committed }
}

describe('the loop', () => {
  it('settles a refused record as such, and the next one as ever', async () => {
    const { loop, settled, at, record, hand, done } = setUp({ limits: { maxHeaders: 1 } })
    await loop.onAssigned([{ ...at, position: 0n, metadata: '', end: 0n }])
    const headers = [
      ['a', null],
      ['b', null],
    ] as const
    await hand(record(0n, { headers }), record(1n))
    await done(2)
    expect(settled).toEqual(['0 refused', '1 returned'])
  })

  it('tells of a batch that cannot be read, and settles it as refused', async () => {
    const { loop, signals, settled, at, record, hand, done, committed } = setUp()
    const told: object[] = []
    signals.on('batch.unreadable', signal => told.push(signal))
    await loop.onAssigned([{ ...at, position: 0n, metadata: '', end: 0n }])
    await hand(record(4n, { unreadable: { firstOffset: 0n, codec: 'zstd', bytes: 9, reason: 'r' } }), record(5n))
    await done(2)
    expect(settled).toEqual(['4 refused', '5 returned'])
    expect(told).toMatchObject([{ ...at, firstOffset: 0n, lastOffset: 4n, codec: 'zstd', reason: 'r' }])
    expect(await committed()).toEqual([6n])
  })

  it('begins a partition anew that is reset to an earlier offset, and commits that', async () => {
    const { loop, resets, settled, at, record, hand, done, committed } = setUp()
    await loop.onAssigned([{ ...at, position: 100n, metadata: '', end: 0n }])
    await hand(record(100n))
    await done(1)
    expect(await committed()).toEqual([101n])
    loop.onReset({ ...at, from: 101n, to: 0n, reason: 'log-ends-before' })
    expect(await committed()).toEqual([0n])
    await hand(record(0n))
    await done(2)
    expect(settled).toEqual(['100 returned', '0 returned'])
    expect(await committed()).toEqual([1n])
    expect(resets).toMatchObject([{ from: 101n, to: 0n }])
  })

  it('commits a position that was reset at the join, so that it is told once', async () => {
    const { loop, at, committed } = setUp()
    loop.onReset({ ...at, from: 5n, to: 8n, reason: 'deleted' })
    await loop.onAssigned([{ ...at, position: 8n, metadata: '', end: 0n }])
    expect(await committed()).toEqual([8n])
  })

  it('notices that a commit of its own is gone', async () => {
    const { loop, resets, at, record, hand, done, committed } = setUp()
    await loop.onAssigned([{ ...at, position: 0n, metadata: '', end: 0n }])
    await hand(record(0n), record(1n))
    await done(2)
    await committed()
    await loop.onRevoking()
    await loop.onAssigned([{ ...at, position: 0n, metadata: '', end: 0n }])
    expect(resets).toMatchObject([{ from: 2n, to: 0n, reason: 'commit-gone' }])
    await loop.onRevoking()
    await loop.onAssigned([{ ...at, position: 0n, metadata: '', end: 0n }])
    expect(resets).toHaveLength(1)
  })

  it('refuses a loss when told to stop', async () => {
    const { loop, resets, at } = setUp({ onDataLoss: 'stop' })
    const lose = () => loop.onReset({ ...at, from: 5n, to: 8n, reason: 'deleted' })
    expect(lose).toThrow(expect.objectContaining({ code: 'E_DATA_LOST' }))
    expect(resets).toHaveLength(1)
  })
})
