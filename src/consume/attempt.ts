/** One try of a record: decode it, find its handler, run it under its deadline. Never rejects: whatever happens is the answer. */
import { isUtf8 } from 'node:buffer'
import { AssignmentLost, codeOf, HandlerTimeout, Undecodable } from '../errors.ts'
import { type Envelope, readId } from '../message/envelope.ts'
import { tombstoneType } from '../message/tombstone.ts'
import type { Signals } from '../observe/signals.ts'
import type { Decoded, Decoder } from '../schema/decoder.ts'
import { framedInHeader } from '../schema/wire.ts'
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
  /** What `ctx.isReplay` says. Default false. */
  readonly isReplay?: boolean
}

/** The assignment that attempts belong to. */
export interface AttemptScope {
  /** The handlers that run, to be cancelled when the assignment is lost. */
  readonly calls: Running
  readonly isOver: boolean
}

export interface Attempt {
  (delivery: Delivery, scope: AttemptScope): Promise<Attempted>
  /** What a try of it has to wait for, its schema, before any handler runs. Undefined: nothing. May reject; the try then says why. */
  preparing?(delivery: Delivery): Promise<unknown> | undefined
}

export function createAttempt(options: AttemptOptions): Attempt {
  const { processor, decoder } = options
  const runs = runsByTopicAndType(options)
  const tombstoneRuns = tombstoneRunsByTopic(options)
  const unhandled = (type: string, id: string, { origin }: Delivery): Attempted => ({
    kind: 'unhandled',
    type,
    id,
    deadLetter: processor.unhandled === 'dead-letter',
    isForeign: !runs.has(origin.topic),
  })

  // No async function where nothing is awaited: a promise more is felt at every message.
  const handle = (decoded: Decoded, delivery: Delivery, scope: AttemptScope): Promise<Attempted> => {
    const { type } = decoded
    const run = decoded.kind === 'message' ? runs.get(delivery.origin.topic)?.get(type) : undefined
    if (!run || decoded.kind !== 'message') {
      // Bytes that only look as if they began with a schema id would be skipped as another type's.
      const error = framedInHeader(delivery.record.headers)
      return Promise.resolve(error ? { kind: 'undecodable', error } : unhandled(type, idOf(delivery), delivery))
    }
    // The registry may have taken its time: by now another process may be running this record.
    if (scope.isOver) {
      const error = new AssignmentLost('the assignment was lost')
      return Promise.resolve({ kind: 'threw', type, id: idOf(delivery), error })
    }
    return new Promise(resolve => new HandlerCall(options, delivery, type, scope.calls, resolve).run(run, decoded.payload))
  }

  const handleTombstone = (delivery: Delivery, scope: AttemptScope): Promise<Attempted> => {
    const run = tombstoneRuns.get(delivery.origin.topic)
    if (!run) return Promise.resolve(unhandled(tombstoneType, idOf(delivery), delivery))
    const key = keyOfTombstone(delivery)
    if (typeof key !== 'string') return Promise.resolve({ kind: 'undecodable', error: key })
    return new Promise(resolve => new HandlerCall(options, delivery, tombstoneType, scope.calls, resolve).run(run, key))
  }

  const attempt: Attempt = (delivery, scope) => {
    const { value } = delivery.record
    if (value === null) return handleTombstone(delivery, scope)
    try {
      const decoding = decoder.decode(value)
      if (!(decoding instanceof Promise)) return handle(decoding, delivery, scope)
      return decoding.then(
        decoded => handle(decoded, delivery, scope),
        error => undecoded(error, delivery),
      )
    } catch (error) {
      return Promise.resolve(undecoded(error, delivery))
    }
  }
  attempt.preparing = ({ record: { value } }) => (value === null ? undefined : decoder.preparing(value))
  return attempt
}

function idOf({ record, origin }: Delivery): string {
  return readId(record, origin)
}

/** The headers are looked at only now: they may tell why what should begin with a schema id does not. */
function undecoded(error: unknown, { record }: Delivery): Attempted {
  const code = codeOf(error)
  const framed = code === 'E_UNDECODABLE' || code === 'E_UNKNOWN_SCHEMA_ID' ? framedInHeader(record.headers) : undefined
  if (framed) return { kind: 'undecodable', error: framed }
  return code === 'E_UNDECODABLE' ? { kind: 'undecodable', error } : { kind: 'threw', type: '', id: '', error }
}

/** Never a text that is only like the key: a handler deletes by it. */
function keyOfTombstone({ record: { key }, trail }: Delivery): string | Undecodable {
  if (trail?.leftOut !== undefined) return new Undecodable('the value was left out of this copy: it is no tombstone')
  if (key === null) return new Undecodable('the record has neither a value nor a key: it says of no entity that it is gone')
  if (!isUtf8(key)) return new Undecodable('a tombstone whose key is not UTF-8')
  return key.toString('utf8')
}

/** The id is read from the headers when somebody asks. */
class Returned {
  readonly kind = 'returned'
  readonly durationMs: number
  readonly #ctx: HandlerContext

  constructor(ctx: HandlerContext, durationMs: number) {
    this.#ctx = ctx
    this.durationMs = durationMs
  }

  get type(): string {
    return this.#ctx.type
  }

  get id(): string {
    return this.#ctx.id
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

/** Settles by the deadline, whether the handler does or not; a later result of it is told as a signal and otherwise ignored. */
class HandlerCall implements Cancellable {
  place = 0
  readonly #options: AttemptOptions
  readonly #ctx: HandlerContext
  readonly #running: Running
  readonly #resolve: (attempted: Attempted) => void
  readonly #startedAtMs = performance.now()
  #over = false

  constructor(
    options: AttemptOptions,
    delivery: Delivery,
    type: string,
    running: Running,
    resolve: (attempted: Attempted) => void,
  ) {
    this.#options = options
    this.#ctx = new HandlerContext(delivery, type, options)
    this.#running = running
    this.#resolve = resolve
  }

  run(run: Run, payload: unknown): void {
    this.#running.add(this)
    run(payload, this.#ctx).then(
      () => this.#end() && this.#resolve(new Returned(this.#ctx, performance.now() - this.#startedAtMs)),
      error => this.#end() && this.#threw(error),
    )
  }

  get timeoutMs(): number {
    return this.#options.processor.handlerTimeoutMs
  }

  get deadlineMs(): number {
    return this.#startedAtMs + this.timeoutMs
  }

  timeOut(): void {
    this.cancel(new HandlerTimeout(this.timeoutMs))
  }

  cancel(reason: unknown): void {
    this.#ctx.cancel(reason)
    if (this.#end()) this.#threw(reason)
  }

  #threw(error: unknown): void {
    const { type, id } = this.#ctx
    tellTimeout(error, this.#ctx, this.#options.signals)
    this.#resolve({ kind: 'threw', type, id, error })
  }

  /** True the first time. */
  #end(): boolean {
    if (this.#over) {
      tellLate(this.#options, this.#ctx)
      return false
    }
    this.#over = true
    this.#running.remove(this)
    return true
  }
}

function tellLate({ processor, signals }: AttemptOptions, { type }: HandlerContext): void {
  signals.emit('handler.late', { group: processor.name, type })
}

function tombstoneRunsByTopic(options: AttemptOptions): Map<string, Run> {
  const { tombstones, middleware } = options.processor
  return new Map(
    tombstones.map(({ tombstonesOf, handler }) => [
      tombstonesOf.name,
      compose(middleware, handler, ctx => tellLate(options, ctx)),
    ]),
  )
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
