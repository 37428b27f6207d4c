/** One try of a record: decode it, find its handler, run it under its deadline. Never rejects: whatever happens is the answer. */
import { AssignmentLost, codeOf, HandlerTimeout } from '../errors.ts'
import { type Envelope, readEnvelope } from '../message/envelope.ts'
import type { Signals } from '../observe/signals.ts'
import type { Decoded, Decoder } from '../schema/decoder.ts'
import type { Attempted, Delivery } from './admission.ts'
import { compose, type Run } from './compose.ts'
import { HandlerContext } from './context.ts'
import type { Logger, Outbound } from './handler.ts'
import type { Processor } from './processor.ts'
import type { Cancellable, Running } from './running.ts'

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
  /** The handlers that run, to be cancelled when the assignment is lost. */
  readonly calls: Running
  readonly isOver: boolean
}

export type Attempt = (delivery: Delivery, scope: AttemptScope) => Promise<Attempted>

export function createAttempt(options: AttemptOptions): Attempt {
  const { processor, decoder } = options
  const runs = runsByTopicAndType(options)
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
    const { id } = envelope
    const run = decoded.kind === 'message' ? runs.get(origin.topic)?.get(type) : undefined
    if (!run || decoded.kind !== 'message') return unhandled(type, id)
    // The registry may have taken its time: by now another process may be running this record.
    if (scope.isOver) return { kind: 'threw', type, id, error: new AssignmentLost('the assignment was lost') }
    const ctx = new HandlerContext(delivery, envelope, options)
    const startedAtMs = performance.now()
    try {
      await underDeadline(options, ctx, scope.calls, () => run(decoded.payload, ctx))
      return { kind: 'returned', type, id, durationMs: performance.now() - startedAtMs }
    } catch (error) {
      tellTimeout(error, ctx, options.signals)
      return { kind: 'threw', type, id, error }
    }
  }
}

/** Of the processor's deadline and of those that middleware sets. */
function tellTimeout(error: unknown, { group, type, id, origin, attempt }: HandlerContext, signals: Signals): void {
  const timeoutMs = timeoutMsOf(error)
  if (timeoutMs !== undefined) signals.emit('handler.timedOut', { group, type, id, origin, attempt, timeoutMs })
}

/** By code, since a middleware's copy of this package may be another one; guarded, since anything may be thrown. */
function timeoutMsOf(thrown: unknown): number | undefined {
  if (codeOf(thrown) !== 'E_HANDLER_TIMEOUT') return undefined
  try {
    const { timeoutMs } = thrown as Partial<HandlerTimeout>
    return typeof timeoutMs === 'number' ? timeoutMs : undefined
  } catch {
    return undefined
  }
}

/** Settles by the deadline, whether `run` does or not; a later result of `run` is told as a signal and otherwise ignored. */
function underDeadline(options: AttemptOptions, ctx: HandlerContext, running: Running, run: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = new HandlerCall(options, ctx, running, reject)
    run().then(
      () => call.end() && resolve(),
      error => call.end() && reject(error),
    )
  })
}

class HandlerCall implements Cancellable {
  place = 0
  readonly #options: AttemptOptions
  readonly #ctx: HandlerContext
  readonly #running: Running
  readonly #reject: (reason: unknown) => void
  readonly #timer: NodeJS.Timeout
  #over = false

  constructor(options: AttemptOptions, ctx: HandlerContext, running: Running, reject: (reason: unknown) => void) {
    this.#options = options
    this.#ctx = ctx
    this.#running = running
    this.#reject = reject
    this.#timer = setTimeout(timeOut, options.processor.handlerTimeoutMs, this)
    running.add(this)
  }

  /** True the first time. */
  end(): boolean {
    if (this.#over) {
      tellLate(this.#options, this.#ctx)
      return false
    }
    this.#over = true
    clearTimeout(this.#timer)
    this.#running.remove(this)
    return true
  }

  cancel(reason: unknown): void {
    this.#ctx.cancel(reason)
    if (this.end()) this.#reject(reason)
  }

  timeOut(): void {
    this.cancel(new HandlerTimeout(this.#options.processor.handlerTimeoutMs))
  }
}

function timeOut(call: HandlerCall): void {
  call.timeOut()
}

function tellLate({ processor, signals }: AttemptOptions, { type }: HandlerContext): void {
  signals.emit('handler.late', { group: processor.name, type })
}

function runsByTopicAndType(options: AttemptOptions): Map<string, Map<string, Run>> {
  const { subscriptions, middleware } = options.processor
  const runs = new Map<string, Map<string, Run>>()
  for (const { definition, handler } of subscriptions) {
    const ofTopic = runs.get(definition.topic.name) ?? new Map<string, Run>()
    const run = compose(middleware, handler, ctx => tellLate(options, ctx))
    runs.set(definition.topic.name, ofTopic.set(definition.type, run))
  }
  return runs
}
