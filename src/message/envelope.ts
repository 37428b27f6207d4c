/** The envelope of a message: CloudEvents 1.0 attributes as record headers (binary mode of its Kafka binding). */
import { EncodedHeaders, type RecordHeaders } from './encoded-headers.ts'
import { type Header, type Headers, textHeader } from './headers.ts'

export interface Envelope {
  readonly id: string
  /** Who published it: the service's name. */
  readonly source: string
  /** Full name of the schema. Informs only: the type of a record is its writer schema's name. */
  readonly type: string
  readonly time: Date
  /** The message that started the whole chain, and the one that led to this one. */
  readonly correlationId?: string | undefined
  readonly causationId?: string | undefined
  /** W3C trace context. */
  readonly traceparent?: string | undefined
}

export const contentType = 'application/avro'
const specversion = textHeader('ce_specversion', '1.0')
const avro = textHeader('content-type', contentType)

/** `dataSchema` names the schema for people and tools: the registry's own id. Undefined when there is no data. */
export function writeEnvelope(envelope: Envelope, dataSchema: string | undefined): Header[] {
  const id = textHeader('ce_id', envelope.id)
  const source = sources.of(envelope.source)
  const type = types.of(envelope.type)
  const time = timeHeader(envelope.time)
  const headers =
    dataSchema === undefined
      ? [specversion, id, source, type, time]
      : [specversion, id, source, type, time, dataSchemas.of(dataSchema), avro]
  if (envelope.correlationId !== undefined) headers.push(textHeader('ce_correlationid', envelope.correlationId))
  if (envelope.causationId !== undefined) headers.push(textHeader('ce_causationid', envelope.causationId))
  if (envelope.traceparent !== undefined) headers.push(textHeader('traceparent', envelope.traceparent))
  return headers
}

/** Headers whose values repeat with every message are made once. Bounded, as a source may be anyone's. */
class Repeated {
  readonly #name: string
  readonly #made = new Map<string, Header>()

  constructor(name: string) {
    this.#name = name
  }

  of(value: string): Header {
    const known = this.#made.get(value)
    if (known) return known
    const header = textHeader(this.#name, value)
    if (this.#made.size < 1_000) this.#made.set(value, header)
    return header
  }
}

const sources = new Repeated('ce_source')
const types = new Repeated('ce_type')
const dataSchemas = new Repeated('ce_dataschema')

let lastTimeMs = Number.NaN
let lastTime = textHeader('ce_time', '')

/** Many messages are published within one millisecond. */
function timeHeader(time: Date): Header {
  const timeMs = time.getTime()
  if (timeMs !== lastTimeMs) {
    lastTime = textHeader('ce_time', time.toISOString())
    lastTimeMs = timeMs
  }
  return lastTime
}

/** Where a record came from: names it when its publisher did not. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestampMs: number
}

const idName = Buffer.from('ce_id')

/** The id alone, which is all that is asked for of most messages. */
export function readId(record: RecordHeaders, origin: Origin): string {
  return EncodedHeaders.ofRecord(record).text(idName) ?? idAt(origin)
}

function idAt({ topic, partition, offset }: Origin): string {
  return `${topic}/${partition}/${offset}`
}

/** The envelope of any record: what its headers lack comes from where it lies. */
export function readEnvelope(headers: Headers, origin: Origin, type: string): Envelope {
  let id: string | undefined
  let source: string | undefined
  let timeMs = Number.NaN
  let correlationId: string | undefined
  let causationId: string | undefined
  let traceparent: string | undefined
  for (const [name, value] of headers) {
    if (value === null) continue
    if (name === 'ce_id') id ??= value.toString('utf8')
    else if (name === 'ce_source') source ??= value.toString('utf8')
    else if (name === 'ce_time') timeMs = Date.parse(value.toString('latin1'))
    else if (name === 'ce_correlationid') correlationId ??= value.toString('utf8')
    else if (name === 'ce_causationid') causationId ??= value.toString('utf8')
    else if (name === 'traceparent') traceparent ??= value.toString('utf8')
  }
  return {
    id: id ?? idAt(origin),
    source: source ?? origin.topic,
    type,
    time: new Date(Number.isNaN(timeMs) ? origin.timestampMs : timeMs),
    correlationId,
    causationId,
    traceparent,
  }
}
