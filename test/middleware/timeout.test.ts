import { type Context, consumer, event, type Middleware, on, timeout, topic } from 'spillway'
import { testService } from 'spillway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OrderCancelled, OrderPlaced } from '../../schemas/generated.ts'
import { AssignmentLost } from '../../src/errors.ts'
import { oneAttempt, outcomeOf } from './one-attempt.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A handler that ignores its signal until `settle`. */
function stubborn() {
  const handling = Promise.withResolvers<void>()
  const seen: { ctx?: Context } = {}
  const handler = (_: unknown, ctx: Context) => {
    seen.ctx = ctx
    return handling.promise
  }
  return { seen, handler, settle: handling.resolve }
}

describe('a timeout', () => {
  it('fails the attempt at its deadline, aborts the signal, and counts what comes later', async () => {
    const { seen, handler, settle } = stubborn()
    const { run, timedOut, late } = oneAttempt({ middleware: [timeout('5s')], handler })
    const outcome = outcomeOf(run())
    const { signal } = seen.ctx!
    vi.advanceTimersByTime(4_999)
    expect(signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(signal.reason).toMatchObject({ code: 'E_HANDLER_TIMEOUT', timeoutMs: 5_000, retryable: true })
    expect(await outcome).toBe('E_HANDLER_TIMEOUT')
    expect(timedOut).toMatchObject([{ group: 'it-group', type: 'it.Thing', id: 'id-1', attempt: 3, timeoutMs: 5_000 }])
    expect(late).toEqual([])
    settle()
    await turn()
    expect(late).toEqual([{ group: 'it-group', type: 'it.Thing' }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves nothing behind when the handler returns or throws in time', async () => {
    for (const handler of [() => {}, () => Promise.reject(new Error('no'))]) {
      const { run, timedOut, late } = oneAttempt({ middleware: [timeout('5s')], handler })
      await run()
      await turn()
      expect([vi.getTimerCount(), timedOut, late]).toEqual([0, [], []])
    }
  })

  it('is for the types that it is given', async () => {
    for (const [types, ms] of [
      [['it.Other'], 30_000],
      [['it.Other', 'it.Thing'], 5_000],
    ] as const) {
      const { handler } = stubborn()
      const { run, timedOut } = oneAttempt({ middleware: [timeout('5s', { types })], handler })
      const outcome = outcomeOf(run())
      await vi.advanceTimersByTimeAsync(30_000)
      expect(await outcome).toBe('E_HANDLER_TIMEOUT')
      expect(timedOut).toMatchObject([{ timeoutMs: ms }])
    }
  })

  it('that is longer than the deadline of the processor does nothing, and late is told once', async () => {
    const { handler, settle } = stubborn()
    const { run, timedOut, late } = oneAttempt({ middleware: [timeout('5s')], handler, handlerTimeout: '1s' })
    const outcome = outcomeOf(run())
    vi.advanceTimersByTime(1_000)
    expect(await outcome).toBe('E_HANDLER_TIMEOUT')
    vi.advanceTimersByTime(10_000)
    await turn()
    expect(timedOut).toMatchObject([{ timeoutMs: 1_000 }])
    expect(late).toEqual([])
    settle()
    await turn()
    expect(late).toHaveLength(1)
  })

  it('of two, the shorter one decides, wherever it stands', async () => {
    for (const middleware of [
      [timeout('2s'), timeout('5s')],
      [timeout('5s'), timeout('2s')],
    ]) {
      const { handler, settle } = stubborn()
      const { run, timedOut, late } = oneAttempt({ middleware, handler })
      const outcome = outcomeOf(run())
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await outcome).toBe('E_HANDLER_TIMEOUT')
      settle()
      await turn()
      expect([timedOut, late]).toMatchObject([[{ timeoutMs: 2_000 }], [{}]])
    }
  })

  it('starts no handler once it has passed, or the deadline of the processor has', async () => {
    for (const [deadline, handlerTimeout] of [
      ['1s', '5s'],
      ['5s', '1s'],
    ] as const) {
      let runs = 0
      const gate = Promise.withResolvers<void>()
      const slow: Middleware = async (_, next) => {
        await gate.promise
        await next()
      }
      const { run } = oneAttempt({ middleware: [timeout(deadline), slow], handler: () => void runs++, handlerTimeout })
      const outcome = outcomeOf(run())
      await vi.advanceTimersByTimeAsync(1_000)
      expect(await outcome).toBe('E_HANDLER_TIMEOUT')
      gate.resolve()
      await turn()
      expect(runs).toBe(0)
    }
  })

  it('still lets a lost assignment stop the handler', async () => {
    const { seen, handler } = stubborn()
    const { run, running, timedOut } = oneAttempt({ middleware: [timeout('5s')], handler })
    const outcome = outcomeOf(run())
    running.cancel(new AssignmentLost('lost'))
    expect(seen.ctx!.signal.reason).toMatchObject({ code: 'E_ASSIGNMENT_LOST' })
    expect(await outcome).toBe('E_ASSIGNMENT_LOST')
    vi.advanceTimersByTime(5_000)
    await turn()
    expect(timedOut).toEqual([])
  })

  it('refuses what cannot work', () => {
    expect(() => timeout('0s')).toThrow(expect.objectContaining({ code: 'E_DEFINITION' }))
    expect(() => timeout('46s')).toThrow(/46s never passes: handlerTimeout is 45s at most/)
    expect(() => timeout('5s', { types: [] })).toThrow(/no types/)
    // @ts-expect-error a duration has a unit
    expect(() => timeout('5')).toThrow(/not a duration/)
  })
})

it('gives the place of a handler that never settles to the next message, and the message to the ladder', async () => {
  vi.useRealTimers()
  const orders = topic('retail.orders', { partitions: 1 })
  const placed = event(OrderPlaced, { topic: orders, key: 'customerId' })
  const cancelled = event(OrderCancelled, { topic: orders, key: 'customerId' })
  const ran: string[] = []
  const hangsOnce = (_: unknown, { attempt }: Context) => {
    ran.push(`placed #${attempt}`)
    return attempt === 1 ? new Promise(() => {}) : undefined
  }
  const slow = consumer('slow', [on(placed, hangsOnce), on(cancelled, () => void ran.push('cancelled'))], {
    concurrency: 1,
    middleware: [timeout('20ms', { types: [OrderPlaced.name] })],
  })
  const t = await testService({ name: 'shop', processors: [slow] })
  const order = { orderId: '1', customerId: '2', country: 'Eire', lines: [] }
  await t.publisher(placed).publish({ ...order, placedAt: t.now() })
  await t.publisher(cancelled).publish({ ...order, customerId: '3', cancelledAt: t.now() })
  await t.settled()
  expect(ran).toEqual(['placed #1', 'cancelled'])
  await t.advance('1s')
  expect(ran[2]).toBe('placed #2')
  await t.stop()
})
