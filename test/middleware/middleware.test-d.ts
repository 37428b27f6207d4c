/** What TypeScript knows of middleware. Held by `tsc`. */

import { pino } from 'pino'
import { type Context, logContext, type Middleware, messageFields, timeout } from 'spillway'
import { activeTraceparent, tracing } from 'spillway/tracing'
import { expectTypeOf, test } from 'vitest'
import type { ConnectOptions } from '../../src/connect.ts'

test('the three are middleware, and fit where their like is asked for', () => {
  expectTypeOf(timeout('5s')).toEqualTypeOf<Middleware>()
  expectTypeOf(logContext(ctx => ({ tenant: ctx.source }))).toEqualTypeOf<Middleware>()
  expectTypeOf(tracing()).toEqualTypeOf<Middleware>()
  expectTypeOf(activeTraceparent).toExtend<NonNullable<ConnectOptions['traceparent']>>()
  pino({ mixin: messageFields })
})

test('next takes a signal and a trace context, and nothing else of a context', () => {
  const all: Middleware[] = [
    (_, next) => next(),
    (_, next) => next({ signal: AbortSignal.timeout(1) }),
    async (_, next) => next({ traceparent: '' }),
    // @ts-expect-error a signal is no number
    (_, next) => next({ signal: 1 }),
    // @ts-expect-error what a message is cannot be changed
    (_, next) => next({ id: 'another' }),
    // @ts-expect-error a middleware is async
    () => {},
  ]
  // @ts-expect-error a context is changed through next
  const assigns = (ctx: Context) => (ctx.traceparent = '')
  expectTypeOf([all, assigns]).toBeArray()
})
