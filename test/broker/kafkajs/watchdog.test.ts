/** A consumer is silent when the broker has answered nothing for its session, and never because it is busy. */
import { describe, expect, it } from 'vitest'
import { Watchdog } from '../../../src/broker/kafkajs/watchdog.ts'

function setUp() {
  const silences: number[] = []
  let tick: (() => void) | undefined
  let tickMs = 0
  const watchdog = new Watchdog({
    silentAfterMs: 30_000,
    joinWithinMs: 90_000,
    onSilent: silentMs => silences.push(silentMs),
    every: (ms, callback) => {
      tickMs = ms
      tick = callback
      return () => {
        tick = undefined
      }
    },
  })
  /** As the event loop would, without anything else that happens. */
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += tickMs || ms) tick?.()
  }
  return { watchdog, silences, pass, isRunning: () => tick !== undefined }
}

describe('the watchdog of a consumer', () => {
  it('speaks up once, when nothing was answered for as long as a session lasts', () => {
    const { watchdog, silences, pass, isRunning } = setUp()
    watchdog.start()
    pass(25_000)
    expect(silences).toEqual([])
    pass(5_000)
    expect(silences).toEqual([30_000])
    expect(isRunning()).toBe(false)
    pass(60_000)
    watchdog.start()
    pass(60_000)
    expect(silences).toEqual([30_000])
  })

  it('is content with any answer, such as the heartbeats of a long drain', () => {
    const { watchdog, silences, pass } = setUp()
    watchdog.start()
    for (let i = 0; i < 100; i++) {
      pass(25_000)
      watchdog.heard()
    }
    expect(silences).toEqual([])
  })

  it('waits for a join as long as a rebalance may take, and no longer', async () => {
    const { watchdog, silences, pass } = setUp()
    watchdog.start()
    const slow = Promise.withResolvers<void>()
    pass(20_000)
    const joined = watchdog.joining(() => slow.promise)
    pass(85_000)
    expect(silences).toEqual([])
    slow.resolve()
    await joined
    pass(25_000)
    expect(silences).toEqual([])
    watchdog.joining(() => new Promise(() => {})).catch(() => {})
    pass(90_000)
    expect(silences).toEqual([90_000])
  })

  it('does not take a frozen process for a silent broker: one late tick is one tick', () => {
    const { watchdog, silences, pass } = setUp()
    watchdog.start()
    pass(15_000)
    // Frozen for minutes; then the timer fires once, before the answers that have come meanwhile are read.
    pass(1)
    watchdog.heard()
    pass(25_000)
    expect(silences).toEqual([])
  })

  it('is silent itself before it is started and after it is stopped', () => {
    const { watchdog, silences, pass } = setUp()
    pass(100_000)
    watchdog.start()
    watchdog.stop()
    pass(100_000)
    expect(silences).toEqual([])
  })
})
