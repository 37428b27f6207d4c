/** Turns payloads of one message definition into records and sends them, in the order of the calls. */
import type { BatchProducer, OutgoingRecord } from '../broker/port.ts'
import { batchOverheadBytes, recordBytes } from '../broker/record-size.ts'
import { RecordTooLarge } from '../errors.ts'
import type { MessageDefinition } from '../message/definition.ts'
import { writeEnvelope } from '../message/envelope.ts'
import { textHeader } from '../message/headers.ts'
import { entityKey, tombstoneKey } from '../message/key.ts'
import type { Receipt } from '../message/receipt.ts'
import { type Codec, codecOf } from '../schema/codec.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { subjectOf } from '../schema/subject.ts'
import { partitionOf } from '../topic/partitioner.ts'
import { dueAtHeader } from '../topic/trail.ts'
import type { BatchingSender } from './batch.ts'
import type { EarlyCalls } from './early-calls.ts'

export interface PublishOptions {
  /** Default: a fresh UUID. The same id means the same message to whoever looks for doubles. */
  readonly id?: string
  readonly correlationId?: string
  readonly causationId?: string
  /** W3C trace context to hand on. */
  readonly traceparent?: string
}

export interface WriterOptions {
  readonly producer: BatchProducer
  readonly sender: BatchingSender
  readonly registry: SchemaRegistry
  readonly source: string
  readonly now: () => number
  readonly newId: () => string
  /** The one of the definition's topic. */
  readonly early: EarlyCalls
}

export interface WriteOptions extends PublishOptions {
  /** Milliseconds since 1970 before which the job must not run. */
  readonly dueAtMs?: number
}

/** Written in place of a payload: a record of this key without a value. */
export class Tombstone {
  readonly key: unknown

  constructor(key: unknown) {
    this.key = key
  }
}

/** What must be known before the first record can be made. */
interface Prepared {
  readonly schemaId: number
  readonly dataSchema: string
  partitions: number
  checkedAtMs: number
}

/** The broker's default `max.message.bytes`. */
const defaultMaxRecordBytes = 1_048_588
/** How long this writer's copy of the producer's own answer, which is at most 5 minutes old, is taken for true. */
const partitionsMaxAgeMs = 10_000

export class MessageWriter {
  readonly #definition: MessageDefinition
  readonly #options: WriterOptions
  readonly #codec: Codec
  readonly #maxRecordBytes: number
  #prepared: Prepared | undefined
  #preparing: Promise<Prepared> | undefined

  constructor(definition: MessageDefinition, options: WriterOptions) {
    this.#definition = definition
    this.#options = options
    this.#codec = codecOf(definition.schema)
    this.#maxRecordBytes = Number(definition.topic.config['max.message.bytes'] ?? defaultMaxRecordBytes)
  }

  /** A payload, or a Tombstone. */
  write(payload: unknown, options: WriteOptions): Promise<Receipt> {
    const { early } = this.#options
    if (this.#prepared && !early.any) return this.#send(payload, options, this.#prepared)
    this.#preparing ??= this.#prepare()
    return early.add(this.#preparing, prepared => this.#send(payload, options, prepared))
  }

  /** Kept once it has succeeded; after a failure the next call tries again. */
  async #prepare(): Promise<Prepared> {
    const { topic, type, schema } = this.#definition
    try {
      const [schemaId, partitions] = await Promise.all([
        this.#options.registry.idOf(subjectOf(topic.name, type, topic.subjects), schema),
        this.#options.producer.partitionsOf(topic.name),
      ])
      this.#prepared = { schemaId, dataSchema: `/schemas/ids/${schemaId}`, partitions, checkedAtMs: this.#options.now() }
      return this.#prepared
    } catch (error) {
      this.#preparing = undefined
      throw error
    }
  }

  async #send(payload: unknown, options: WriteOptions, prepared: Prepared): Promise<Receipt> {
    this.#refreshPartitions(prepared)
    const id = options.id ?? this.#options.newId()
    const record = this.#record(payload, id, options, prepared)
    const bytes = recordBytes(record)
    this.#refuseTooLarge(bytes + batchOverheadBytes)
    const { topic, partition, offset } = await this.#options.sender.send(record, bytes)
    return { id, topic, partition, offset }
  }

  #record(payload: unknown, id: string, options: WriteOptions, { schemaId, dataSchema, partitions }: Prepared): OutgoingRecord {
    const definition = this.#definition
    const isTombstone = payload instanceof Tombstone
    const key = Buffer.from(isTombstone ? tombstoneKey(definition, payload.key) : entityKey(definition, payload), 'utf8')
    const value = isTombstone ? null : this.#codec.encode(schemaId, payload)
    const { dueAtMs, id: _, ...chain } = options
    const envelope = { ...chain, id, source: this.#options.source, type: definition.type, time: new Date(this.#options.now()) }
    const headers = writeEnvelope(envelope, isTombstone ? undefined : dataSchema)
    if (dueAtMs !== undefined) headers.push(textHeader(dueAtHeader, String(dueAtMs)))
    return { topic: definition.topic.name, partition: partitionOf(key, partitions), key, value, headers }
  }

  #refuseTooLarge(bytes: number): void {
    if (bytes <= this.#maxRecordBytes) return
    const { topic, type } = this.#definition
    throw new RecordTooLarge(
      `a record of ${bytes} bytes is over the limit of ${this.#maxRecordBytes} bytes of topic ${topic.name} (max.message.bytes) · schema ${type}`,
    )
  }

  /** In the background: a topic that has grown is noticed within minutes, and no call waits for it. */
  #refreshPartitions(prepared: Prepared): void {
    const nowMs = this.#options.now()
    if (nowMs - prepared.checkedAtMs < partitionsMaxAgeMs) return
    prepared.checkedAtMs = nowMs
    this.#options.producer.partitionsOf(this.#definition.topic.name).then(
      partitions => {
        prepared.partitions = partitions
      },
      () => undefined, // The count known so far stays right until a newer one is had; sending itself reports an outage.
    )
  }
}
