/** What a handler gets and how it answers. Returning is done; throwing is classified: see errors RetryLater, DeadLetter and Skip. */
import type { EventDefinition, JobDefinition } from '../message/definition.ts'
import type { Duration } from '../message/duration.ts'
import type { Origin } from '../message/envelope.ts'
import type { Receipt } from '../message/receipt.ts'

/** Where a handler logs. Fits pino's loggers. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(fields: object): Logger
}

/** Sends messages that are caused by the one being handled: correlation, causation and trace are handed on. */
export interface Outbound {
  publish<In, Out>(definition: EventDefinition<In, Out>, payload: NoInfer<In>): Promise<Receipt>
  schedule<In, Out>(definition: JobDefinition<In, Out>, payload: NoInfer<In>, options?: { delay?: Duration }): Promise<Receipt>
}

/** What a handler gets beside the payload. Most of it is read when it is asked for: take it out by name, `{ ...ctx }` lacks it. */
export interface Context extends Outbound {
  /** The consumer or worker that handles the message: its Kafka group id. */
  readonly group: string
  readonly id: string
  /** Full name of the schema; `tombstone` in a handler of tombstones. */
  readonly type: string
  readonly source: string
  readonly time: Date
  readonly correlationId: string
  readonly causationId?: string | undefined
  /** W3C trace context: the message's own, or that of the span that a middleware has begun. What `publish` and `schedule` send carries it. */
  readonly traceparent?: string | undefined
  /** The publisher's sequence within the entity (`ce_sequence`), when it sent one. */
  readonly sequence?: string | undefined
  /** 1 at the first try. */
  readonly attempt: number
  /** How often this message was redriven from the DLQ. */
  readonly redriveCount: number
  /** Run by a replay: the message was published long ago, and this group has most likely handled it before. */
  readonly isReplay: boolean
  /** Where the message was published, whatever tier it comes from now. */
  readonly origin: Origin
  readonly log: Logger
  /** Aborted at the handler's deadline, and when its assignment is lost. */
  readonly signal: AbortSignal
}

export type Handler<Out> = (payload: Out, ctx: Context) => unknown

/** What a middleware may change for what is further inside. */
export interface ContextChanges {
  /** Aborts `ctx.signal` too: the deadline of the processor and a lost assignment go on doing so. */
  readonly signal?: AbortSignal
  /** Becomes `ctx.traceparent`, and so that of everything that is published and scheduled. */
  readonly traceparent?: string
}

/**
 * Runs what is further inside: the next middleware, in the end the handler. Rejects with what that throws, with
 * MiddlewareMisused (E_MIDDLEWARE) when called again or too late, and with the reason when the attempt is over by now.
 */
export type Next = (changes?: ContextChanges) => Promise<void>

/**
 * Wraps every attempt of a processor, and does what it likes before, after and around `next`. Its outcome is the attempt's: what it
 * throws is classified as if the handler had thrown it, and an error that it catches is gone.
 *
 * It must call `next` once. Returning without (E_MIDDLEWARE) or calling it twice fails the attempt: else a forgotten call would lose
 * messages. To finish a message without its handler, throw Skip or DeadLetter. It may throw before `next` has settled, which makes
 * the handler's result a late one; when it returns before that, what `next` comes to is waited for and counts.
 */
export type Middleware = (ctx: Context, next: Next) => Promise<void>
