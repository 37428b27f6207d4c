import { expect, test } from 'vitest'
import { Signals } from '../../src/observe/signals.ts'
import { watchGroups } from '../../src/process/group-watch.ts'

test('the breaker of a group is known while it is open, without the message of its error', () => {
  const signals = new Signals()
  const { standings, end } = watchGroups(['spend', 'other'], signals, () => 7_000)
  const breakers = () => standings().map(({ breaker }) => breaker)
  const failure = { class: 'TypeError', message: 'canary', stack: 'canary', fingerprint: 'f00' }
  const origin = { topic: 'orders', partition: 0, offset: 1n, timestampMs: 0 }
  expect(breakers()).toEqual([undefined, undefined])
  signals.emit('breaker.opened', { group: 'spend', failure, failed: 20, tried: 31, windowMs: 10_000 })
  for (const openForMs of [5_000, 10_000]) signals.emit('breaker.probed', { group: 'spend', origin, failure, openForMs })
  signals.emit('breaker.opened', { group: 'of another process', failure, failed: 20, tried: 31, windowMs: 10_000 })
  const open = { fingerprint: 'f00', errorClass: 'TypeError', sinceMs: 7_000, failed: 20, tried: 31, probes: 2 }
  expect(breakers()).toEqual([open, undefined])
  signals.emit('breaker.closed', { group: 'spend', fingerprint: 'f00', reason: 'success', openForMs: 12_000 })
  expect(breakers()).toEqual([undefined, undefined])
  end()
  signals.emit('breaker.opened', { group: 'spend', failure, failed: 20, tried: 31, windowMs: 10_000 })
  expect(breakers()).toEqual([undefined, undefined])
})
