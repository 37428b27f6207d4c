import { context, DiagLogLevel, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type Context, DeadLetter, RetryLater, Skip, timeout } from 'spillway'
import { tracing } from 'spillway/tracing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AssignmentLost } from '../../src/errors.ts'
import { spanContextOf } from '../../src/middleware/trace-context.ts'
import { thing } from '../consume/loop-fixture.ts'
import { type OneAttemptOptions, oneAttempt, outcomeOf, secret } from './one-attempt.ts'
import { activeContexts, collectSpans } from './spans.ts'

activeContexts()

const traceId = 'a'.repeat(32)
const spanId = 'b'.repeat(16)
const traceparent = `00-${traceId}-${spanId}-01`
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** The span of one attempt. */
async function traced(options: OneAttemptOptions) {
  const { tracer, ended } = collectSpans()
  const one = oneAttempt({ middleware: [tracing({ tracer })], ...options })
  const outcome = await outcomeOf(one.run())
  expect(ended()).toHaveLength(1)
  return { ...one, outcome, span: ended()[0]! }
}

describe('the span of an attempt', () => {
  it('says what is handled, by the conventions of messaging, with neither key nor payload', async () => {
    const { span, outcome } = await traced({ traceparent })
    expect(outcome).toBe('returned')
    expect(span).toMatchObject({ name: 'process it-src', kind: SpanKind.CONSUMER, status: { code: SpanStatusCode.UNSET } })
    expect(span.events).toEqual([])
    expect(span.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.system.name': 'kafka',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'it-src',
      'messaging.destination.partition.id': '0',
      'messaging.consumer.group.name': 'it-group',
      'messaging.message.id': 'id-1',
      'messaging.message.conversation_id': 'chain-1',
      'messaging.kafka.offset': 7,
      'kafka.offset': 7,
      'spillway.attempt': 3,
    })
  })

  it('is a child of the span that the message carries, and is carried on by what the handler sends', async () => {
    const seen: (string | undefined)[] = []
    const { span, sent } = await traced({
      traceparent,
      handler: async (_, ctx: Context) => {
        seen.push(ctx.traceparent, trace.getActiveSpan()?.spanContext().spanId)
        await turn()
        seen.push(trace.getActiveSpan()?.spanContext().spanId)
        await ctx.publish(thing, { id: '1' })
        await ctx.schedule(thing as never, { id: '2' } as never)
      },
    })
    expect(span.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    const own = span.spanContext()
    expect(own.traceId).toBe(traceId)
    const carried = `00-${traceId}-${own.spanId}-01`
    expect(seen).toEqual([carried, own.spanId, own.spanId])
    expect(sent).toMatchObject([{ traceparent: carried }, { traceparent: carried }])
  })

  it.each([
    ['none', undefined],
    ['empty', ''],
    ['no hex', `00-${'x'.repeat(32)}-${spanId}-01`],
    ['capitals', traceparent.toUpperCase()],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['more than version 00 has', `${traceparent}-more`],
    ['cut off', traceparent.slice(0, -1)],
    ['with a line before', `\n${traceparent}`],
  ])('begins a trace when what the message carries is %s', async (_, carried) => {
    const { tracer } = collectSpans()
    const active = trace.setSpan(ROOT_CONTEXT, tracer.startSpan('of whoever started the process'))
    const { span } = await context.with(active, () => traced(carried === undefined ? {} : { traceparent: carried }))
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.spanContext().traceId).not.toBe(traceId)
    expect(spanContextOf(carried)).toBeUndefined()
  })

  it('takes of a later version what it knows', async () => {
    const { span } = await traced({ traceparent: `01-${traceId}-${spanId}-ff-more` })
    expect(span.parentSpanContext).toMatchObject({ traceId, spanId, traceFlags: 1 })
  })

  it('hands on that a trace is not sampled', async () => {
    const { tracer, ended } = collectSpans()
    const one = oneAttempt({
      middleware: [tracing({ tracer })],
      traceparent: `00-${traceId}-${spanId}-00`,
      handler: (_, ctx) => ctx.publish(thing, { id: '1' }),
    })
    await one.run()
    expect(ended()).toEqual([])
    expect(one.sent[0]!.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!${spanId})[0-9a-f]{16}-00$`))
  })
})

describe('what a handler throws', () => {
  it('is recorded as it is logged: class, message cut, frames, and nothing that hangs on the error', async () => {
    const error = Object.assign(new RangeError(`the bank is closed ${'!'.repeat(1_000)}`, { cause: new Error(secret) }), {
      payload: secret,
      code: secret,
    })
    error.stack = `RangeError: ${secret}\n    at charge (billing.ts:1:2)`
    const { span, outcome } = await traced({ handler: () => Promise.reject(error) })
    expect(outcome).toBe(secret)
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: error.message.slice(0, 500) })
    expect(span.attributes['error.type']).toBe('RangeError')
    expect(span.events).toMatchObject([
      {
        name: 'exception',
        attributes: {
          'exception.type': 'RangeError',
          'exception.message': error.message.slice(0, 500),
          'exception.stacktrace': '    at charge (billing.ts:1:2)',
        },
      },
    ])
    expect(JSON.stringify([span.attributes, span.events, span.status])).not.toContain(secret)
  })

  it.each([
    ['undefined', undefined, 'undefined'],
    ['a string', 'no', 'string'],
    ['null', null, 'null'],
    [
      'an object that cannot be read',
      new Proxy(new Error('no'), {
        get: () => {
          throw new Error('hands off')
        },
      }),
      'unreadable',
    ],
  ])('may be %s', async (_, thrown, type) => {
    const { tracer, ended } = collectSpans()
    const { run } = oneAttempt({ middleware: [tracing({ tracer })], handler: () => Promise.reject(thrown) })
    expect(await run()).toMatchObject({ kind: 'threw' })
    expect(ended()).toMatchObject([{ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': type } }])
  })

  it('is no error when it is an answer: Skip and RetryLater; DeadLetter is one', async () => {
    for (const [thrown, code] of [
      [new Skip(), SpanStatusCode.UNSET],
      [new RetryLater('1s'), SpanStatusCode.UNSET],
      [new DeadLetter('never'), SpanStatusCode.ERROR],
    ] as const) {
      const { span } = await traced({ handler: () => Promise.reject(thrown) })
      expect(span.status.code).toBe(code)
      expect(span.events).toHaveLength(code === SpanStatusCode.ERROR ? 1 : 0)
    }
  })
})

describe('the span of a handler that does not settle', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => {
    vi.useRealTimers()
    diag.disable()
  })

  it.each([
    ['of the processor', 30_000, []],
    ['of a timeout around it', 5_000, [timeout('5s')]],
  ])('ends at the deadline %s, and stays as it was when the handler settles later', async (_, timeoutMs, outside) => {
    const complaints: string[] = []
    const told = { error() {}, warn: (text: string) => void complaints.push(text), info() {}, debug() {}, verbose() {} }
    diag.setLogger(told, DiagLogLevel.WARN)
    const { tracer, ended } = collectSpans()
    const handling = Promise.withResolvers<void>()
    const { run } = oneAttempt({ middleware: [...outside, tracing({ tracer })], handler: () => handling.promise })
    const outcome = outcomeOf(run())
    await vi.advanceTimersByTimeAsync(timeoutMs)
    expect(await outcome).toBe('E_HANDLER_TIMEOUT')
    expect(ended()).toMatchObject([{ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'HandlerTimeout' } }])
    handling.reject(new Error('late'))
    await turn()
    expect(ended()).toMatchObject([{ events: [{ attributes: { 'exception.type': 'HandlerTimeout' } }] }])
    expect(complaints).toEqual([])
  })

  it('ends when the assignment is lost', async () => {
    const { tracer, ended } = collectSpans()
    const { run, running } = oneAttempt({ middleware: [tracing({ tracer })], handler: () => new Promise(() => {}) })
    const outcome = outcomeOf(run())
    running.cancel(new AssignmentLost('lost'))
    expect(await outcome).toBe('E_ASSIGNMENT_LOST')
    expect(ended()).toMatchObject([{ attributes: { 'error.type': 'AssignmentLost' } }])
  })
})

describe('the tracer', () => {
  afterEach(() => trace.disable())

  it('is that of the global provider, also when that is registered later', async () => {
    const middleware = [tracing()]
    const { provider, ended } = collectSpans()
    trace.setGlobalTracerProvider(provider)
    await oneAttempt({ middleware }).run()
    expect(ended()).toMatchObject([{ name: 'process it-src', instrumentationScope: { name: 'spillway' } }])
  })

  it('without a provider leaves everything as it is without tracing', async () => {
    for (const carried of [traceparent, undefined]) {
      const { run, sent } = oneAttempt({
        middleware: [tracing()],
        handler: (_, ctx) => ctx.publish(thing, { id: '1' }),
        ...(carried && { traceparent: carried }),
      })
      expect(await outcomeOf(run())).toBe('returned')
      expect(sent[0]!.traceparent).toBe(carried)
    }
  })
})
