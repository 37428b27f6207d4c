/**
 * The failure trails of other frameworks: what their dead letters say, in headers, about where a record came from. The names and
 * forms are those of Spring Kafka 3 (KafkaHeaders, DeadLetterPublishingRecoverer), Kafka Streams 4.2 (KIP-1034), Kafka Connect
 * (KIP-298), SmallRye Reactive Messaging 4 and Karafka 2.5.
 */
import { type Header, type Headers, headerNumber } from '../message/headers.ts'
import { type Failure, redriveCountHeader, type Trail, withoutTrail } from './trail.ts'

export const foreignFamilies = ['Spring Kafka', 'Kafka Streams', 'Kafka Connect', 'SmallRye', 'Karafka'] as const
export type ForeignFamily = (typeof foreignFamilies)[number]

export interface ForeignTrail {
  readonly family: ForeignFamily
  /** undefined when the headers do not say topic, partition and offset, as where they were configured away. */
  readonly trail: Trail | undefined
}

interface Names {
  readonly family: ForeignFamily
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly timestamp?: string
  readonly errorClass?: string
  readonly errorMessage?: string
  readonly errorStack?: string
}

const spring = (original: string, exception: string): Names => ({
  family: 'Spring Kafka',
  topic: `${original}-topic`,
  partition: `${original}-partition`,
  offset: `${original}-offset`,
  timestamp: `${original}-timestamp`,
  errorClass: `${exception}-fqcn`,
  errorMessage: `${exception}-message`,
  errorStack: `${exception}-stacktrace`,
})

const karafka = (prefix: string): Names => ({
  family: 'Karafka',
  topic: `${prefix}_topic`,
  partition: `${prefix}_partition`,
  offset: `${prefix}_offset`,
})

const smallRye = (prefix: string): Names => ({
  family: 'SmallRye',
  topic: `${prefix}-topic`,
  partition: `${prefix}-partition`,
  offset: `${prefix}-offset`,
  errorClass: `${prefix}-exception-class-name`,
  errorMessage: `${prefix}-reason`,
})

/** Of a record with headers of several, the first here counts: that of a retry says where the record was before all retries. */
const namings: readonly Names[] = [
  // Retry topics, and what comes out of them.
  spring('kafka_original', 'kafka_exception'),
  spring('kafka_dlt-original', 'kafka_dlt-exception'),
  {
    family: 'Kafka Streams',
    topic: '__streams.errors.topic',
    partition: '__streams.errors.partition',
    offset: '__streams.errors.offset',
    errorClass: '__streams.errors.exception',
    errorMessage: '__streams.errors.message',
    errorStack: '__streams.errors.stacktrace',
  },
  {
    family: 'Kafka Connect',
    topic: '__connect.errors.topic',
    partition: '__connect.errors.partition',
    offset: '__connect.errors.offset',
    errorClass: '__connect.errors.exception.class.name',
    errorMessage: '__connect.errors.exception.message',
    errorStack: '__connect.errors.exception.stacktrace',
  },
  smallRye('delayed-retry'),
  smallRye('dead-letter'),
  karafka('source'),
  // Before Karafka 2.5.
  karafka('original'),
]

const springPrefixes = ['kafka_dlt-', 'kafka_original-', 'kafka_exception-', 'kafka_key-exception-', 'retry_topic-']
const karafkaFields = ['topic', 'partition', 'offset', 'consumer_group', 'attempts', 'trace_id']
const karafkaNames = new Set(['source', 'original'].flatMap(prefix => karafkaFields.map(field => `${prefix}_${field}`)))

const isOf: Readonly<Record<ForeignFamily, (name: string) => boolean>> = {
  'Spring Kafka': name => springPrefixes.some(prefix => name.startsWith(prefix)),
  'Kafka Streams': name => name.startsWith('__streams.errors.'),
  'Kafka Connect': name => name.startsWith('__connect.errors.'),
  SmallRye: name => name.startsWith('dead-letter-') || name.startsWith('delayed-retry-'),
  Karafka: name => karafkaNames.has(name),
}

/** `timestampMs` of the record: its origin's where no header tells that. undefined when the headers are of no family known here. */
export function readForeignTrail(headers: Headers, timestampMs: number): ForeignTrail | undefined {
  const names = namings.find(naming => headers.some(([name]) => name === naming.topic))
  if (!names) return undefined
  return { family: names.family, trail: trailOf(headers, names, timestampMs) }
}

/** The record's own headers, in order: without those of the family, which would be read as its history where it goes, and ours. */
export function withoutForeignTrail(headers: Headers, family: ForeignFamily): Header[] {
  return withoutTrail(headers).filter(([name]) => !isOf[family](name))
}

function trailOf(headers: Headers, names: Names, timestampMs: number): Trail | undefined {
  // SmallRye puts what is new before the headers that it found: of several hops the last is the first.
  const value = (name: string) => bytesOf(names.family === 'SmallRye' ? headers.toReversed() : headers, name)
  const number = names.family === 'Spring Kafka' ? bigEndian : digits
  const topic = value(names.topic)?.toString('utf8')
  const partition = number(value(names.partition), 4)
  const offset = number(value(names.offset), 8)
  if (!topic || partition === undefined || offset === undefined) return undefined
  const timestamp = names.timestamp === undefined ? undefined : number(value(names.timestamp), 8)
  const failure = failureOf(headers, names)
  return {
    origin: {
      topic,
      partition: Number(partition),
      offset,
      timestampMs: timestamp === undefined ? timestampMs : Number(timestamp),
    },
    group: '',
    attempt: 0,
    hop: 0,
    redriveCount: headerNumber(headers, redriveCountHeader) ?? 0,
    ...(failure && { failure }),
  }
}

/** As of the last time it failed: of several values the first of SmallRye's, the last of all others. */
function failureOf(headers: Headers, names: Names): Failure | undefined {
  const found = names.family === 'SmallRye' ? headers : headers.toReversed()
  const text = (name: string | undefined) => (name === undefined ? undefined : bytesOf(found, name)?.toString('utf8'))
  // Kafka Streams writes what `toString` says: the class, then the message.
  const name = text(names.errorClass)?.split(': ')[0]
  if (name === undefined) return undefined
  return { class: name, message: text(names.errorMessage) ?? '', stack: text(names.errorStack) ?? '', fingerprint: '' }
}

function bytesOf(headers: Headers, name: string): Buffer | undefined {
  return headers.find(header => header[0] === name)?.[1] ?? undefined
}

/** Java's ByteBuffer: a signed number of 4 or 8 bytes. */
function bigEndian(value: Buffer | undefined, bytes: 4 | 8): bigint | undefined {
  if (value?.length !== bytes) return undefined
  const number = bytes === 4 ? BigInt(value.readInt32BE()) : value.readBigInt64BE()
  return number < 0n ? undefined : number
}

function digits(value: Buffer | undefined, bytes: 4 | 8): bigint | undefined {
  const text = value?.toString('latin1')
  if (text === undefined || !/^\d{1,19}$/.test(text)) return undefined
  const number = BigInt(text)
  return number < 2n ** BigInt(bytes * 8 - 1) ? number : undefined
}
