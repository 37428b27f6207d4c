/** One try of a record: decode it, find its handler, run it under its deadline. Never rejects: whatever happens is the answer. */
import { codeOf, HandlerTimeout } from '../errors.ts'
import { type Envelope, readEnvelope } from '../message/envelope.ts'
import type { Signals } from '../observe/signals.ts'
import type { Decoder } from '../schema/decoder.ts'
import type { Attempted, Delivery } from './admission.ts'
import { createContext } from './context.ts'
import type { Context, Handler, Logger, Middleware, Outbound } from './handler.ts'
import type { Processor } from './processor.ts'

export interface AttemptOptions {
  readonly processor: Processor
  readonly decoder: Decoder
  /** What a handler sends on behalf of the message it handles. */
  readonly outbound: (cause: Envelope) => Outbound
  readonly logger: Logger
  readonly signals: Signals
}

/** `cancels` takes the function that aborts the attempt's signal and gives back the one that takes it out again. */
export type Attempt = (delivery: Delivery, cancels: Set<(reason: unknown) => void>) => Promise<Attempted>

export function createAttempt(options: AttemptOptions): Attempt {
  const handlers = handlersByTopicAndType(options.processor)
  const { processor, decoder } = options

  return async (delivery, cancels) => {
    const { record, origin } = delivery
    if (record.value === null) return { kind: 'unhandled', type: 'null', id: '', deadLetter: false }
    let type = ''
    let id = ''
    try {
      const decoding = decoder.decode(record.value)
      const decoded = decoding instanceof Promise ? await decoding : decoding
      type = decoded.type
      const envelope = readEnvelope(record.headers, origin, type)
      id = envelope.id
      const handler = decoded.kind === 'message' ? handlers.get(origin.topic)?.get(type) : undefined
      if (!handler || decoded.kind !== 'message')
        return { kind: 'unhandled', type, id, deadLetter: processor.unhandled === 'dead-letter' }
      const startedAtMs = performance.now()
      await underDeadline(options, delivery, envelope, cancels, ctx =>
        runHandler(processor.middleware, handler, decoded.payload, ctx),
      )
      return { kind: 'returned', type, id, durationMs: performance.now() - startedAtMs }
    } catch (error) {
      return codeOf(error) === 'E_UNDECODABLE' ? { kind: 'undecodable', error } : { kind: 'threw', type, id, error }
    }
  }
}

function runHandler(middleware: readonly Middleware[], handler: Handler<never>, payload: unknown, ctx: Context): Promise<void> {
  const last = async () => {
    await handler(payload as never, ctx)
  }
  return middleware.reduceRight<() => Promise<void>>((next, wrap) => () => wrap(ctx, next), last)()
}

/** Settles by the deadline, whether `run` does or not; a later result of `run` is told as a signal and otherwise ignored. */
function underDeadline(
  { processor, signals, logger, outbound }: AttemptOptions,
  delivery: Delivery,
  envelope: Envelope,
  cancels: Set<(reason: unknown) => void>,
  run: (ctx: Context) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController()
    let over = false
    const end = (finish: () => void): void => {
      if (over) {
        signals.emit('handler.late', { group: processor.name, type: envelope.type })
        return
      }
      over = true
      clearTimeout(timer)
      cancels.delete(cancel)
      finish()
    }
    const cancel = (reason: unknown): void => {
      abort.abort(reason)
      end(() => reject(reason))
    }
    const timer = setTimeout(() => {
      const about = {
        group: processor.name,
        type: envelope.type,
        id: envelope.id,
        origin: delivery.origin,
        attempt: delivery.attempt,
      }
      signals.emit('handler.timedOut', { ...about, timeoutMs: processor.handlerTimeoutMs })
      cancel(new HandlerTimeout(processor.handlerTimeoutMs))
    }, processor.handlerTimeoutMs)
    cancels.add(cancel)
    // A handler may throw before it returns a promise; then() turns that into a rejection too.
    Promise.resolve(createContext({ delivery, envelope, signal: abort.signal, logger, outbound: outbound(envelope) }))
      .then(run)
      .then(
        () => end(resolve),
        error => end(() => reject(error)),
      )
  })
}

function handlersByTopicAndType(processor: Processor): Map<string, Map<string, Handler<never>>> {
  const handlers = new Map<string, Map<string, Handler<never>>>()
  for (const { definition, handler } of processor.subscriptions) {
    const ofTopic = handlers.get(definition.topic.name) ?? new Map<string, Handler<never>>()
    handlers.set(definition.topic.name, ofTopic.set(definition.type, handler))
  }
  return handlers
}
