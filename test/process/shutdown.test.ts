import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { stopOnSignals } from '../../src/process/shutdown.ts'

const never = () => new Promise<void>(() => {})

test('stops on a signal and exits 0', async () => {
  const source = new EventEmitter()
  const seen: string[] = []
  const code = stopOnSignals({
    stop: async () => void seen.push('stop'),
    timeoutMs: 1_000,
    source,
    onStopping: signal => seen.push(signal),
  })
  source.emit('SIGTERM', 'SIGTERM')
  expect(await code).toBe(0)
  expect(seen).toEqual(['SIGTERM', 'stop'])
  expect(source.eventNames()).toEqual([])
})

test('exits 70 when stopping hangs beyond the deadline', async () => {
  const source = new EventEmitter()
  let told = false
  const code = stopOnSignals({ stop: never, timeoutMs: 5, source, onDeadline: () => (told = true) })
  source.emit('SIGINT', 'SIGINT')
  expect(await code).toBe(70)
  expect(told).toBe(true)
})

test('exits 130 at a second signal, also when both come at once', async () => {
  for (const tick of [async () => {}, () => new Promise(resolve => setImmediate(resolve))]) {
    const source = new EventEmitter()
    const code = stopOnSignals({ stop: never, timeoutMs: 60_000, source })
    source.emit('SIGTERM', 'SIGTERM')
    await tick()
    source.emit('SIGINT', 'SIGINT')
    expect(await code).toBe(130)
  }
})

test('exits 1 when stopping fails, in whatever way', async () => {
  const failing = [
    () => Promise.reject(new Error('no')),
    () => {
      throw new Error('no')
    },
  ]
  for (const stop of failing) {
    const source = new EventEmitter()
    const errors: unknown[] = []
    const code = stopOnSignals({ stop, timeoutMs: 1_000, source, onFailed: error => errors.push(error) })
    source.emit('SIGTERM', 'SIGTERM')
    expect(await code).toBe(1)
    expect(errors).toHaveLength(1)
  }
})

test('stops without a signal when what runs has ended, with its code', async () => {
  expect(
    await stopOnSignals({ stop: async () => {}, timeoutMs: 1_000, source: new EventEmitter(), until: Promise.resolve(3) }),
  ).toBe(3)
})
