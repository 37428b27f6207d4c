/** The typed client: publisher(event).publish(payload) and scheduler(job).schedule(payload, { delay }). */
import { randomUUID } from 'node:crypto'
import type { BatchProducer } from '../broker/port.ts'
import type { EventDefinition, JobDefinition, MessageDefinition } from '../message/definition.ts'
import { type Duration, durationMs } from '../message/duration.ts'
import type { Receipt } from '../message/receipt.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type BatchingSender, batching } from './batch.ts'
import { EarlyCalls } from './early-calls.ts'
import { MessageWriter, type PublishOptions, Tombstone } from './writer.ts'

export type { PublishOptions } from './writer.ts'

export interface ScheduleOptions extends PublishOptions {
  /** Not handled before this time has passed. Any length. Default: at once. */
  readonly delay?: Duration
}

export interface Publisher<In> {
  /**
   * Resolves when the broker has acknowledged the event; the order of calls is kept within an entity.
   * Rejects, with nothing sent, with PayloadInvalid (E_PAYLOAD), KeyMissing (E_KEY_MISSING), RecordTooLarge (E_RECORD_TOO_LARGE)
   * or SchemaNotRegistered (E_SCHEMA_NOT_REGISTERED); with RegistryUnavailable or BrokerUnavailable (retryable) it is not known to be written.
   */
  publish(payload: In, options?: PublishOptions): Promise<Receipt>
  /**
   * A record of this key without a value: the entity is gone, and a compacted topic forgets what it had of it. It comes after what was
   * published of the entity before. `key`: what the key field had. Rejects like `publish`.
   */
  publishTombstone(key: string | number | bigint | boolean, options?: PublishOptions): Promise<Receipt>
}

export interface Scheduler<In> {
  /** Like publish, for a job; its worker runs it no earlier than `delay` from now. */
  schedule(payload: In, options?: ScheduleOptions): Promise<Receipt>
}

export interface Client {
  publisher<In, Out>(definition: EventDefinition<In, Out>): Publisher<In>
  scheduler<In, Out>(definition: JobDefinition<In, Out>): Scheduler<In>
  /** Waits for what is under way, then closes the connections. */
  close(): Promise<void>
}

export interface ClientOptions {
  readonly producer: BatchProducer
  readonly registry: SchemaRegistry
  /** `ce_source` of every message: the service's name. */
  readonly source: string
  /** Default: batching of its own on `producer`. */
  readonly sender?: BatchingSender
  /** Asked at every call that is given no `traceparent`: see ConnectOptions. Must not throw. */
  readonly traceparent?: () => string | undefined
  readonly now?: () => number
  readonly newId?: () => string
}

export function createClient(options: ClientOptions): Client {
  const sender = options.sender ?? batching(options.producer)
  const writers = new Map<MessageDefinition, MessageWriter>()
  const early = new Map<string, EarlyCalls>()
  const now = options.now ?? Date.now
  const newId = options.newId ?? randomUUID

  const writerOf = (definition: MessageDefinition): MessageWriter => {
    const known = writers.get(definition)
    if (known) return known
    const { name } = definition.topic
    const calls = early.get(name) ?? new EarlyCalls()
    early.set(name, calls)
    const writer = new MessageWriter(definition, { ...options, sender, now, newId, early: calls })
    writers.set(definition, writer)
    return writer
  }

  const traced = options.traceparent ? tracedBy(options.traceparent) : <T extends PublishOptions>(publish: T): T => publish

  return {
    publisher: definition => {
      const writer = writerOf(definition as MessageDefinition)
      return {
        publish: (payload, publish = {}) => writer.write(payload, traced(publish)),
        publishTombstone: (key, publish = {}) => writer.write(new Tombstone(key), traced(publish)),
      }
    },
    scheduler: definition => {
      const writer = writerOf(definition as MessageDefinition)
      return {
        schedule: async (payload, { delay, ...publish } = {}) =>
          writer.write(payload, traced(delay === undefined ? publish : { ...publish, dueAtMs: now() + durationMs(delay) })),
      }
    },
    close: async () => {
      await Promise.all([...early.values()].map(calls => calls.idle()))
      await sender.idle()
      await options.producer.close()
    },
  }
}

function tracedBy(current: () => string | undefined): <T extends PublishOptions>(publish: T) => T {
  return publish => {
    const traceparent = publish.traceparent === undefined ? current() : undefined
    return traceparent === undefined ? publish : { ...publish, traceparent }
  }
}
