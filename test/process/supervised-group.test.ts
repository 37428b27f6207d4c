import { describe, expect, it } from 'vitest'
import type { GroupConsumer } from '../../src/broker/port.ts'
import { codeOf, DataLost } from '../../src/errors.ts'
import { Signals } from '../../src/observe/signals.ts'
import { SupervisedGroup } from '../../src/process/supervised-group.ts'
import { ManualClock } from '../manual-clock.ts'
import { until } from '../until.ts'

/** A consumer whose start is settled by the test. */
class FakeConsumer implements GroupConsumer {
  readonly started = Promise.withResolvers<void>()
  stopped = false
  crash: (error: unknown) => void

  constructor(crash: (error: unknown) => void) {
    this.crash = crash
  }

  start(): Promise<void> {
    return this.started.promise
  }

  async commit(): Promise<void> {}
  pause(): void {}
  resume(): void {}

  async stop(): Promise<void> {
    this.stopped = true
    this.started.reject(new Error('stopped while starting'))
  }
}

function setUp() {
  const clock = new ManualClock(0)
  const signals = new Signals()
  const built: FakeConsumer[] = []
  const waits: number[] = []
  const failures: unknown[] = []
  signals.on('consumer.crashed', ({ retryInMs }) => waits.push(retryInMs))
  const group = new SupervisedGroup({
    group: 'g',
    signals,
    clock,
    onFailed: error => failures.push(error),
    connect: async onCrash => {
      const consumer = new FakeConsumer(onCrash)
      built.push(consumer)
      return consumer
    },
  })
  const nth = (count: number) => until(() => built[count - 1], { withinMs: 1_000, what: `consumer ${count}` })
  return { clock, group, built, waits, failures, nth }
}

describe('a supervised group', () => {
  it('that has lost data and is to stop then is not built anew', async () => {
    const { clock, group, built, waits, nth, failures } = setUp()
    const started = group.start()
    ;(await nth(1)).started.resolve()
    await started
    built[0]!.crash(new DataLost('gone'))
    clock.advanceTo(100_000)
    expect([built.length, waits, failures.map(codeOf)]).toEqual([1, [], ['E_DATA_LOST']])
    await group.stop()
  })

  it('is built anew after a breakdown, later and later, until it stays up', async () => {
    const { clock, group, built, waits, nth } = setUp()
    const started = group.start()
    ;(await nth(1)).started.resolve()
    await started
    built[0]!.crash(new Error('gone'))
    expect(built[0]!.stopped).toBe(true)
    expect(waits).toEqual([1_000])
    clock.advanceTo(999)
    expect(built).toHaveLength(1)
    clock.advanceTo(1_000)
    ;(await nth(2)).started.reject(new Error('still gone'))
    await until(() => waits.length === 2, { withinMs: 1_000, what: 'the second wait' })
    clock.advanceTo(3_000)
    ;(await nth(3)).started.resolve()
    await until(() => built[2]!.started.promise.then(() => true), { withinMs: 1_000, what: 'the third start' })
    clock.advanceTo(3_000 + 60_001)
    await until(
      () => {
        built[2]!.crash(new Error('again'))
        return waits.length === 3
      },
      { withinMs: 1_000, what: 'the third breakdown' },
    )
    expect(waits).toEqual([1_000, 2_000, 1_000])
    await group.stop()
  })

  it('rejects its first start, and does not try again by itself', async () => {
    const { group, nth, built, waits } = setUp()
    const started = group.start()
    ;(await nth(1)).started.reject(new Error('no such topic'))
    await expect(started).rejects.toThrow('no such topic')
    expect(built[0]!.stopped).toBe(true)
    expect(waits).toEqual([])
  })

  it('stops while it is being built anew, without waiting for a start that may never come', async () => {
    const { clock, group, built, nth } = setUp()
    const started = group.start()
    ;(await nth(1)).started.resolve()
    await started
    built[0]!.crash(new Error('gone'))
    clock.advanceTo(1_000)
    await nth(2)
    await group.stop()
    expect(built[1]!.stopped).toBe(true)
    clock.advanceTo(100_000)
    expect(built).toHaveLength(2)
  })
})
