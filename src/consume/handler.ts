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

export interface Context extends Outbound {
  readonly id: string
  readonly type: string
  readonly source: string
  readonly time: Date
  readonly correlationId: string
  readonly causationId?: string
  readonly traceparent?: string
  /** The publisher's sequence within the entity (`ce_sequence`), when it sent one. */
  readonly sequence?: string | undefined
  /** 1 at the first try. */
  readonly attempt: number
  /** How often this message was redriven from the DLQ. */
  readonly redriveCount: number
  /** Where the message was published, whatever tier it comes from now. */
  readonly origin: Origin
  readonly log: Logger
  /** Aborted at the handler's deadline, and when its assignment is lost. */
  readonly signal: AbortSignal
}

export type Handler<Out> = (payload: Out, ctx: Context) => unknown

/** Wraps every attempt of a processor; must call `next` once and may do what it likes before, after and around it. */
export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>
