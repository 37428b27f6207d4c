/** W3C trace context, version 00, between a message's `traceparent` and OpenTelemetry. Without the global propagator, which may be set to speak another language. */
import { isSpanContextValid, type Span, type SpanContext, trace } from '@opentelemetry/api'

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Undefined when it is missing or not valid; of later versions the parts that this one knows, as the standard asks. */
export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const match = pattern.exec(traceparent ?? '')
  if (!match) return undefined
  const [, version, traceId, spanId, flags, more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  // Of the flags only "sampled": what the others mean is not known here.
  const parent = { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true }
  return isSpanContextValid(parent) ? parent : undefined
}

/** Undefined for a span of no trace: of an OpenTelemetry that is not set up. */
export function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext()
  if (!isSpanContextValid(span.spanContext())) return undefined
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** The span that is active where it is called, as `traceparent` of what is published outside of handlers; undefined when there is none. */
export function activeTraceparent(): string | undefined {
  const span = trace.getActiveSpan()
  return span && traceparentOf(span)
}
