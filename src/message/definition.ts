/** topic(), event() and job(): what a message is, as plain values without a connection, shared by publishers and consumers. */
import { DefinitionError } from '../errors.ts'
import type { MessageSchema } from './schema.ts'

/** A source topic. */
export interface Topic {
  readonly name: string
  /** How many partitions `spillway topic apply` creates it with. */
  readonly partitions: number
  /** Topic settings of the broker, such as `retention.ms`; applied at creation. */
  readonly config: Readonly<Record<string, string>>
  readonly subjects: SubjectStrategy
}

/**
 * How the registry's subjects of a topic are named: `topic` (Confluent's TopicNameStrategy, `<topic>-value`) lets it carry one
 * message type, `topic-record` (TopicRecordNameStrategy, `<topic>-<full name>`) any number. Stated here, so that adding a second
 * type never renames the subject of the first.
 */
export type SubjectStrategy = 'topic' | 'topic-record'

export interface TopicOptions {
  /** Default 6. */
  readonly partitions?: number
  /** Default `topic-record`. */
  readonly subjects?: SubjectStrategy
  readonly config?: Readonly<Record<string, string>>
}

type Scalar = string | number | bigint | boolean
/** The fields of a payload that can be its entity key: required ones with a scalar value. */
export type KeyOf<In> = {
  [K in keyof In & string]-?: undefined extends In[K] ? never : In[K] extends Scalar ? K : never
}[keyof In & string]

interface Definition<In, Out> {
  readonly schema: MessageSchema<string, In, Out>
  readonly topic: Topic
  /** The field of the payload that says which entity a message is about. */
  readonly key: string
  /** The schema's full name: the `ce_type` of every message of this definition. */
  readonly type: string
}

/** A fact that happened. Any number of consumers may care; the publisher knows none of them. */
export interface EventDefinition<In = unknown, Out = unknown> extends Definition<In, Out> {
  readonly kind: 'event'
}

/** A command to do one thing. Exactly one worker group owns it. */
export interface JobDefinition<In = unknown, Out = unknown> extends Definition<In, Out> {
  readonly kind: 'job'
}

export type MessageDefinition<In = unknown, Out = unknown> = EventDefinition<In, Out> | JobDefinition<In, Out>

export interface MessageOptions<In> {
  /** A plain name is a topic of 6 partitions for this one message type (subject strategy `topic`). */
  readonly topic: Topic | string
  readonly key: KeyOf<In>
}

/** Kafka's rule for topic names: at most 249 of these characters, and neither `.` nor `..`. */
const legalName = /^[a-zA-Z0-9._-]{1,249}$/

/** Throws DefinitionError (E_DEFINITION) when `name` is no legal topic name or `partitions` no positive integer. */
export function topic(name: string, options: TopicOptions = {}): Topic {
  checkName(name, 'topic')
  const partitions = options.partitions ?? 6
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new DefinitionError(`topic '${name}': partitions must be a whole number of 1 or more, not ${partitions}`)
  return Object.freeze({
    name,
    partitions,
    config: Object.freeze({ ...options.config }),
    subjects: options.subjects ?? 'topic-record',
  })
}

/** Defines an event. Throws DefinitionError (E_DEFINITION) for an illegal topic name or a key that the schema does not have. */
export function event<Name extends string, In, Out>(
  schema: MessageSchema<Name, In, Out>,
  options: MessageOptions<NoInfer<In>>,
): EventDefinition<In, Out> {
  return Object.freeze({ kind: 'event', ...define(schema, options) })
}

/** Defines a job. Throws DefinitionError (E_DEFINITION) like `event`. */
export function job<Name extends string, In, Out>(
  schema: MessageSchema<Name, In, Out>,
  options: MessageOptions<NoInfer<In>>,
): JobDefinition<In, Out> {
  return Object.freeze({ kind: 'job', ...define(schema, options) })
}

export function checkName(name: string, what: string): void {
  // kafkajs keeps topics and groups in plain objects, where such a name is there before it is put in.
  if (name in Object.prototype)
    throw new DefinitionError(`${what} '${name}': this name cannot be used, as every JavaScript object has it`)
  if (isLegalName(name)) return
  throw new DefinitionError(`${what} '${name}': a name has 1 to 249 characters, of a-z A-Z 0-9 . _ -`)
}

/** Whether `checkName` has nothing against it. */
export function isLegalName(name: string): boolean {
  return legalName.test(name) && name !== '.' && name !== '..' && !(name in Object.prototype)
}

function define<In, Out>(
  schema: MessageSchema<string, In, Out>,
  options: { topic: Topic | string; key: string },
): Definition<In, Out> {
  const fields = (schema.avro as { fields?: { name: string }[] }).fields ?? []
  if (!fields.some(field => field.name === options.key)) {
    throw new DefinitionError(
      `message ${schema.name}: its key '${options.key}' is no field of the schema (${fields.map(f => f.name).join(', ')})`,
    )
  }
  return {
    schema,
    topic: typeof options.topic === 'string' ? topic(options.topic, { subjects: 'topic' }) : options.topic,
    key: options.key,
    type: schema.name,
  }
}
