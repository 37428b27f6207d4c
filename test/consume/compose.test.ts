/** What a middleware may do with `next`, and what becomes of an attempt when it does something else. */
import { type Context, type Middleware, Skip } from 'spillway'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AssignmentLost } from '../../src/errors.ts'
import { oneAttempt, outcomeOf } from '../middleware/one-attempt.ts'
import { thing } from './loop-fixture.ts'

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const never = new Promise<never>(() => {})

const stray: unknown[] = []
const note = (reason: unknown) => void stray.push(reason)
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  process.on('unhandledRejection', note)
})
afterEach(() => {
  vi.useRealTimers()
  process.off('unhandledRejection', note)
  expect(stray.splice(0)).toEqual([])
})

/** Node tells of stray rejections in a turn of its own. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

describe('the chain', () => {
  it('runs the first middleware outermost, and the handler once', async () => {
    const steps: string[] = []
    const step =
      (name: string): Middleware =>
      async (_, next) => {
        steps.push(`${name} in`)
        await next()
        steps.push(`${name} out`)
      }
    const { run } = oneAttempt({ middleware: [step('a'), step('b')], handler: () => void steps.push('handler') })
    expect(await outcomeOf(run())).toBe('returned')
    expect(steps).toEqual(['a in', 'b in', 'handler', 'b out', 'a out'])
  })

  it('may run many attempts at once, each with its own state', async () => {
    const open: (() => void)[] = []
    const { run } = oneAttempt({
      middleware: [(_, next) => next()],
      handler: () => new Promise<void>(resolve => open.push(resolve)),
    })
    const both = [outcomeOf(run()), outcomeOf(run())]
    await turn()
    for (const resolve of open) resolve()
    expect(await Promise.all(both)).toEqual(['returned', 'returned'])
  })

  it('takes what a middleware throws for what the handler throws, awaited or not', async () => {
    const skips: Middleware = async () => {
      throw new Skip()
    }
    expect(await outcomeOf(oneAttempt({ middleware: [skips] }).run())).toBe('E_SKIP')
    const sync: Middleware = () => {
      throw new RangeError('at once')
    }
    expect(await outcomeOf(oneAttempt({ middleware: [sync] }).run())).toEqual(new RangeError('at once'))
  })

  it('lets a middleware catch an error, and so finish the message', async () => {
    const forgiving: Middleware = async (_, next) => next().catch(() => {})
    const { run } = oneAttempt({ middleware: [forgiving], handler: () => Promise.reject(new Error('no')) })
    expect(await outcomeOf(run())).toBe('returned')
  })
})

describe('a changed context', () => {
  it('is seen further inside, and only there', async () => {
    const seen: [string, string | undefined][] = []
    const look =
      (name: string): Middleware =>
      async (ctx, next) => {
        await next()
        seen.push([name, ctx.traceparent])
      }
    const { run, sent } = oneAttempt({
      middleware: [look('outside'), (_, next) => next({ traceparent }), look('inside')],
      handler: async (_, ctx) => {
        const { publish, schedule, traceparent: seenInside } = ctx
        seen.push(['handler', seenInside])
        await publish(thing, { id: '1' })
        await schedule(thing as never, { id: '2' } as never)
      },
    })
    expect(await outcomeOf(run())).toBe('returned')
    expect(seen).toEqual([
      ['handler', traceparent],
      ['inside', traceparent],
      ['outside', undefined],
    ])
    const chain = { id: 'id-1', correlationId: 'chain-1', traceparent }
    expect(sent).toMatchObject([chain, chain])
  })

  it('is the same message in all else', async () => {
    const contexts: Context[] = []
    const { run } = oneAttempt({
      middleware: [
        (ctx, next) => {
          contexts.push(ctx)
          return next({ signal: new AbortController().signal })
        },
      ],
      handler: (_, ctx) => void contexts.push(ctx),
    })
    await run()
    const [outer, inner] = contexts.map(
      ({ group, id, type, source, time, correlationId, causationId, attempt, redriveCount, origin, log, sequence }) => ({
        group,
        id,
        type,
        source,
        time,
        correlationId,
        causationId,
        attempt,
        redriveCount,
        origin,
        log,
        sequence,
      }),
    )
    expect(contexts[1]).not.toBe(contexts[0])
    expect(inner).toEqual(outer)
    expect(inner!.log).toBe(outer!.log)
    expect(inner).toMatchObject({ group: 'it-group', id: 'id-1', attempt: 3 })
  })

  it('has a signal that is aborted by the one given, by the deadline and by a lost assignment', async () => {
    const own = new AbortController()
    const signals: AbortSignal[] = []
    const begin = () => {
      const one = oneAttempt({
        middleware: [(_, next) => next({ signal: own.signal })],
        handler: (_, ctx) => {
          signals.push(ctx.signal)
          return never
        },
      })
      return { ...one, outcome: outcomeOf(one.run()) }
    }
    const [deadline, lost] = [begin(), begin()]
    await turn()
    lost.running.cancel(new AssignmentLost('lost'))
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
    vi.advanceTimersByTime(30_000)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(await Promise.all([deadline.outcome, lost.outcome])).toEqual(['E_HANDLER_TIMEOUT', 'E_ASSIGNMENT_LOST'])
    begin()
    await turn()
    own.abort(new Error('enough'))
    expect(signals[2]!.reason).toEqual(new Error('enough'))
  })
})

describe('a middleware that misuses next', () => {
  it('fails the attempt when it does not call it: a message is not lost in silence', async () => {
    let runs = 0
    const { run } = oneAttempt({ middleware: [async function forgetful() {}], handler: () => void runs++ })
    expect(await run()).toMatchObject({
      kind: 'threw',
      error: { code: 'E_MIDDLEWARE', message: expect.stringContaining(`'forgetful' returned without calling next()`) },
    })
    expect(runs).toBe(0)
  })

  it('runs the handler once and fails the attempt when it calls it twice, also when it hides that', async () => {
    let runs = 0
    const twice: Middleware = async (_, next) => {
      await next()
      await next()
    }
    const hiding: Middleware = async (_, next) => {
      for (let i = 0; i < 3; i++) await next().catch(() => {})
    }
    const dropping: Middleware = async (_, next) => {
      await next()
      void next()
    }
    for (const middleware of [twice, hiding, dropping]) {
      const { run } = oneAttempt({ middleware: [middleware], handler: () => void runs++ })
      expect(await outcomeOf(run())).toBe('E_MIDDLEWARE')
    }
    await turn()
    expect(runs).toBe(3)
  })

  it('starts no handler when it calls it after it has settled', async () => {
    let runs = 0
    let later: (() => Promise<void>) | undefined
    const tardy: Middleware = async (_, next) => {
      later = next
      throw new Error('not now')
    }
    const { run } = oneAttempt({ middleware: [tardy], handler: () => void runs++ })
    expect(await outcomeOf(run())).toEqual(new Error('not now'))
    await expect(later!()).rejects.toMatchObject({ code: 'E_MIDDLEWARE' })
    expect(runs).toBe(0)
  })

  it('starts no handler when it calls it after the deadline, as the message may run elsewhere by then', async () => {
    let runs = 0
    const gate = Promise.withResolvers<void>()
    const refused: unknown[] = []
    const slow: Middleware = async (_, next) => {
      await gate.promise
      await next().catch(error => refused.push(error))
    }
    const { run } = oneAttempt({ middleware: [slow], handler: () => void runs++ })
    const outcome = outcomeOf(run())
    vi.advanceTimersByTime(30_000)
    expect(await outcome).toBe('E_HANDLER_TIMEOUT')
    gate.resolve()
    await turn()
    expect(refused).toMatchObject([{ code: 'E_HANDLER_TIMEOUT' }])
    expect(runs).toBe(0)
  })
})

describe('a middleware that does not wait for next', () => {
  it('and returns: what next comes to is the outcome', async () => {
    const careless: Middleware = async (_, next) => {
      void next()
    }
    const handling = Promise.withResolvers<void>()
    const { run, late } = oneAttempt({ middleware: [careless], handler: () => handling.promise })
    const outcome = outcomeOf(run())
    await turn()
    handling.reject(new RangeError('no'))
    expect(await outcome).toEqual(new RangeError('no'))
    expect(late).toEqual([])
  })

  it('and throws: its error is the outcome, and the handler is late once it settles', async () => {
    const hasty: Middleware = async (_, next) => {
      void next()
      throw new Error('given up')
    }
    const handling = Promise.withResolvers<void>()
    const { run, late } = oneAttempt({ middleware: [(_, next) => next(), hasty], handler: () => handling.promise })
    expect(await outcomeOf(run())).toEqual(new Error('given up'))
    expect(late).toEqual([])
    handling.reject(new Error('whatever'))
    await turn()
    expect(late).toEqual([{ group: 'it-group', type: 'it.Thing' }])
  })

  it('and throws after the deadline: the attempt is told as late once, not for each of them', async () => {
    const minding: Middleware = async (ctx, next) => {
      const aborted = new Promise<never>((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
      await Promise.race([next(), aborted])
    }
    const handling = Promise.withResolvers<void>()
    const { run, late } = oneAttempt({ middleware: [minding], handler: () => handling.promise })
    const outcome = outcomeOf(run())
    vi.advanceTimersByTime(30_000)
    expect(await outcome).toBe('E_HANDLER_TIMEOUT')
    handling.resolve()
    await turn()
    expect(late).toHaveLength(1)
  })
})

it('a thrown thing that only looks like a timeout, and cannot be read, is a failure like any other', async () => {
  const hostile = Object.defineProperty({ code: 'E_HANDLER_TIMEOUT' }, 'timeoutMs', {
    get: () => {
      throw new Error('no')
    },
  })
  const { run, timedOut } = oneAttempt({ handler: () => Promise.reject(hostile) })
  expect(await run()).toMatchObject({ kind: 'threw' })
  expect(timedOut).toEqual([])
})
