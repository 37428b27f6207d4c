/** Costs a span, an AbortController, a context of its own and an AsyncLocalStorage scope an attempt, sampled or not; the exporter's cost comes on top. */
import {
  type Context as ActiveContext,
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Context, Middleware } from '../consume/handler.ts'
import { codeOf } from '../errors.ts'
import { describeThrown } from '../thrown.ts'
import { spanContextOf, traceparentOf } from './trace-context.ts'

export interface TracingOptions {
  /** Default: the one named `spillway` of the global tracer provider, whenever that is registered. */
  readonly tracer?: Tracer
}

/**
 * A CONSUMER span `process <topic>` around each attempt, as OpenTelemetry's messaging conventions have it. Its parent is the
 * message's `traceparent`; without a valid one it begins a trace. Topic, partition and offset are those where the message was
 * published, whatever tier it comes from, so all attempts of a message are siblings; `spillway.attempt` tells them apart.
 *
 * The span is active inside, and what the handler publishes and schedules carries it. It ends with the attempt, also at a deadline
 * that the handler ignores. What is thrown is recorded as it is logged: class, message, frames. Skip and RetryLater are no errors.
 */
export function tracing(options: TracingOptions = {}): Middleware {
  const tracer = options.tracer ?? trace.getTracer('spillway')
  return async function tracing(ctx, next) {
    const parent = parentOf(ctx)
    const name = `process ${ctx.origin.topic}`
    const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes: attributesOf(ctx) }, parent)
    const end = endOnce(span)
    // A handler that never settles would keep its span from ever being told.
    const abandon = (): void => end({ error: ctx.signal.reason })
    ctx.signal.addEventListener('abort', abandon)
    try {
      const traceparent = traceparentOf(span)
      await context.with(trace.setSpan(parent, span), () => next(traceparent === undefined ? {} : { traceparent }))
      end()
    } catch (error) {
      end({ error })
      throw error
    } finally {
      ctx.signal.removeEventListener('abort', abandon)
    }
  }
}

/** Not the active context: that is of whoever has started the process. */
function parentOf({ traceparent }: Context): ActiveContext {
  const parent = spanContextOf(traceparent)
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
}

/** Neither key nor payload. What the conventions have renamed (1.45) has both names: backends know the old ones. */
function attributesOf({ group, id, correlationId, origin, attempt }: Context): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.system.name': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': origin.topic,
    'messaging.destination.partition.id': String(origin.partition),
    'messaging.consumer.group.name': group,
    'messaging.message.id': id,
    'messaging.message.conversation_id': correlationId,
    'messaging.kafka.offset': Number(origin.offset),
    'kafka.offset': Number(origin.offset),
    'spillway.attempt': attempt,
  }
}

function endOnce(span: Span): (failure?: { readonly error: unknown }) => void {
  let hasEnded = false
  return failure => {
    if (hasEnded) return
    hasEnded = true
    if (failure) record(span, failure.error)
    span.end()
  }
}

function record(span: Span, error: unknown): void {
  const code = codeOf(error)
  if (code === 'E_SKIP' || code === 'E_RETRY_LATER') return
  const { name, message, stack } = describeThrown(error)
  const frames = stack.split('\n').filter(line => /^\s+at /.test(line))
  // An object of its own: the properties and causes of errors carry requests, and with them records.
  span.recordException({ name, message: message.slice(0, 500), stack: frames.join('\n').slice(0, 1_500) })
  span.setAttribute('error.type', name)
  span.setStatus({ code: SpanStatusCode.ERROR, message: message.slice(0, 500) })
}
