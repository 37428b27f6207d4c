/** Spans as an exporter gets them, and the one global thing that tracing needs: an active context that follows promises. */
import { context, type Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type ReadableSpan, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll } from 'vitest'

export interface Spans {
  readonly provider: TracerProvider
  readonly tracer: Tracer
  /** Those that have ended, in that order. */
  ended(): ReadableSpan[]
}

export function collectSpans(): Spans {
  const ended: ReadableSpan[] = []
  const collector: SpanProcessor = {
    onStart() {},
    onEnd: span => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const provider = new TracerProvider({ spanProcessors: [collector] })
  return { provider, tracer: provider.getTracer('test'), ended: () => [...ended] }
}

/** For all tests of the file. */
export function activeContexts(): void {
  beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
  afterAll(() => context.disable())
}
