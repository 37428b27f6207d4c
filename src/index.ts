/** The public API of Spillway: everything a service imports. The test kit is `spillway/testing`, tracing `spillway/tracing`. */

export type { Service, ServiceOptions } from './config.ts'
/** The default export of `spillway.config.ts`. */
export { defineService } from './config.ts'
export type { ConnectOptions, ReplayOptions } from './connect.ts'
/** Connected as the environment says: the typed client, and the handlers of a consumer run again on what its topics hold. */
export { connect, replay } from './connect.ts'
export type { BreakerLimits } from './consume/breaker-settings.ts'
export type { Context, ContextChanges, Handler, Logger, Middleware, Next } from './consume/handler.ts'
export { DeadLetter, RetryLater, Skip } from './consume/outcome.ts'
export type { Processor, ProcessorOptions, Subscription, TombstoneSubscription } from './consume/processor.ts'
/** Processors, and how a handler answers other than by returning. */
export { consumer, on, onTombstone, worker } from './consume/processor.ts'
export type { RetryOptions, Route } from './consume/retry-policy.ts'
/** Every error has a `code` and says whether the same call may succeed later (`retryable`). */
export { SpillwayError } from './errors.ts'
export type {
  EventDefinition,
  JobDefinition,
  MessageDefinition,
  MessageOptions,
  Topic,
  TopicOptions,
} from './message/definition.ts'
/** Definitions: plain values, shared by publishers and consumers. */
export { event, job, topic } from './message/definition.ts'
export type { Duration } from './message/duration.ts'
export type { Origin } from './message/envelope.ts'
export type { Receipt } from './message/receipt.ts'
export type { LongAs, MessageSchema, PayloadIn, PayloadOut } from './message/schema.ts'
/** What generated code calls; `spillway schema codegen` writes it. */
export { avroSchema } from './message/schema.ts'
/** Middleware for `consumer` and `worker`. Tracing is `spillway/tracing`. */
export { logContext, messageFields } from './middleware/log-context.ts'
export { type TimeoutOptions, timeout } from './middleware/timeout.ts'
export type { Client, Publisher, PublishOptions, ScheduleOptions, Scheduler } from './produce/client.ts'
export type { PositionText } from './replay/position.ts'
export type { ReplayProgress, ReplayResult } from './replay/run.ts'
