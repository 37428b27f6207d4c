/** The envelope of a message: CloudEvents 1.0 attributes as record headers (binary mode of its Kafka binding). */
import { type Header, type Headers, textHeader } from './headers.ts'

export interface Envelope {
  readonly id: string
  /** Who published it: the service's name. */
  readonly source: string
  /** Full name of the schema. Informs only: the type of a record is its writer schema's name. */
  readonly type: string
  readonly time: Date
  /** The message that started the whole chain, and the one that led to this one. */
  readonly correlationId?: string
  readonly causationId?: string
  /** W3C trace context. */
  readonly traceparent?: string
}

export const contentType = 'application/avro'
const specversion = textHeader('ce_specversion', '1.0')
const avro = textHeader('content-type', contentType)

/** `dataSchema` names the schema for people and tools: the registry's own id. */
export function writeEnvelope(envelope: Envelope, dataSchema: string): Header[] {
  const headers = [
    specversion,
    textHeader('ce_id', envelope.id),
    textHeader('ce_source', envelope.source),
    textHeader('ce_type', envelope.type),
    textHeader('ce_time', envelope.time.toISOString()),
    textHeader('ce_dataschema', dataSchema),
    avro,
  ]
  if (envelope.correlationId !== undefined) headers.push(textHeader('ce_correlationid', envelope.correlationId))
  if (envelope.causationId !== undefined) headers.push(textHeader('ce_causationid', envelope.causationId))
  if (envelope.traceparent !== undefined) headers.push(textHeader('traceparent', envelope.traceparent))
  return headers
}

/** Where a record came from: names it when its publisher did not. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestampMs: number
}

/** The envelope of any record: what its headers lack comes from where it lies. One pass: this is on the way of every record. */
export function readEnvelope(headers: Headers, origin: Origin, type: string): Envelope {
  let id: string | undefined
  let source: string | undefined
  let timeMs = Number.NaN
  const chain: { correlationId?: string; causationId?: string; traceparent?: string } = {}
  for (const [name, value] of headers) {
    if (value === null) continue
    if (name === 'ce_id') id ??= value.toString('utf8')
    else if (name === 'ce_source') source ??= value.toString('utf8')
    else if (name === 'ce_time') timeMs = Date.parse(value.toString('latin1'))
    else if (name === 'ce_correlationid') chain.correlationId ??= value.toString('utf8')
    else if (name === 'ce_causationid') chain.causationId ??= value.toString('utf8')
    else if (name === 'traceparent') chain.traceparent ??= value.toString('utf8')
  }
  return {
    id: id ?? `${origin.topic}/${origin.partition}/${origin.offset}`,
    source: source ?? origin.topic,
    type,
    time: new Date(Number.isNaN(timeMs) ? origin.timestampMs : timeMs),
    ...chain,
  }
}
