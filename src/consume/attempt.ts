/** One try of a record: decode it, find its handler, run it under its deadline. Never rejects: whatever happens is the answer. */
import { AssignmentLost, codeOf, HandlerTimeout } from '../errors.ts'
import { type Envelope, readEnvelope } from '../message/envelope.ts'
import type { Signals } from '../observe/signals.ts'
import type { Decoded, Decoder } from '../schema/decoder.ts'
import type { Attempted, BlockReason, Delivery } from './admission.ts'
import { HandlerContext } from './context.ts'
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

/** The assignment that attempts belong to. */
export interface AttemptScope {
  /** Takes the functions that abort running attempts when the assignment is lost. */
  readonly cancels: Set<(reason: unknown) => void>
  readonly isOver: boolean
}

export type Attempt = (delivery: Delivery, scope: AttemptScope) => Promise<Attempted>

export function createAttempt(options: AttemptOptions): Attempt {
  const { processor, decoder } = options
  const handlers = handlersByTopicAndType(processor)
  const unhandled = (type: string, id: string): Attempted => ({
    kind: 'unhandled',
    type,
    id,
    deadLetter: processor.unhandled === 'dead-letter',
  })

  return async (delivery, scope) => {
    const { record, origin } = delivery
    if (record.value === null) return unhandled('null', '')
    let decoded: Decoded
    try {
      const decoding = decoder.decode(record.value)
      decoded = decoding instanceof Promise ? await decoding : decoding
    } catch (error) {
      return codeOf(error) === 'E_UNDECODABLE' ? { kind: 'undecodable', error } : { kind: 'threw', type: '', id: '', error }
    }
    const { type } = decoded
    const envelope = readEnvelope(record.headers, origin, type)
    const handler = decoded.kind === 'message' ? handlers.get(origin.topic)?.get(type) : undefined
    if (!handler || decoded.kind !== 'message') return unhandled(type, envelope.id)
    // The registry may have taken its time: by now another process may be running this record.
    if (scope.isOver) return { kind: 'threw', type, id: envelope.id, error: new AssignmentLost('the assignment was lost') }
    return tryHandler(options, handler, decoded.payload, new HandlerContext(delivery, envelope, options), scope)
  }
}

/** Failures that are never the message's fault: the record waits where it is and no attempt is used up. */
export function outage(error: unknown): BlockReason | undefined {
  const code = codeOf(error)
  if (code === 'E_REGISTRY_UNAVAILABLE') return 'registry'
  return code === 'E_BROKER_UNAVAILABLE' ? 'broker' : undefined
}

async function tryHandler(
  options: AttemptOptions,
  handler: Handler<never>,
  payload: unknown,
  ctx: HandlerContext,
  { cancels }: AttemptScope,
): Promise<Attempted> {
  const { type, id } = ctx
  const startedAtMs = performance.now()
  try {
    await underDeadline(options, ctx, cancels, () => runHandler(options.processor.middleware, handler, payload, ctx))
    return { kind: 'returned', type, id, durationMs: performance.now() - startedAtMs }
  } catch (error) {
    return { kind: 'threw', type, id, error }
  }
}

/** Async all the way, so that what a handler or a middleware throws before its first await is a rejection like any other. */
async function runHandler(
  middleware: readonly Middleware[],
  handler: Handler<never>,
  payload: unknown,
  ctx: Context,
): Promise<void> {
  const last = async (): Promise<void> => {
    await handler(payload as never, ctx)
  }
  await middleware.reduceRight<() => Promise<void>>((next, wrap) => async () => wrap(ctx, next), last)()
}

/** Settles by the deadline, whether `run` does or not; a later result of `run` is told as a signal and otherwise ignored. */
function underDeadline(
  { processor, signals }: AttemptOptions,
  ctx: HandlerContext,
  cancels: Set<(reason: unknown) => void>,
  run: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false
    const end = (): boolean => {
      if (over) signals.emit('handler.late', { group: processor.name, type: ctx.type })
      else {
        over = true
        clearTimeout(timer)
        cancels.delete(cancel)
        return true
      }
      return false
    }
    const cancel = (reason: unknown): void => {
      ctx.cancel(reason)
      if (end()) reject(reason)
    }
    const timer = setTimeout(() => {
      const { id, type, origin, attempt } = ctx
      signals.emit('handler.timedOut', {
        group: processor.name,
        type,
        id,
        origin,
        attempt,
        timeoutMs: processor.handlerTimeoutMs,
      })
      cancel(new HandlerTimeout(processor.handlerTimeoutMs))
    }, processor.handlerTimeoutMs)
    cancels.add(cancel)
    run().then(
      () => end() && resolve(),
      error => end() && reject(error),
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
