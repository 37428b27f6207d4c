/** The failure trail: what the copies of a record say, in headers, about where it came from and what became of it. */

import { EncodedHeaders, HeaderWriter, headerName, type RecordHeaders } from '../message/encoded-headers.ts'
import type { Origin } from '../message/envelope.ts'
import { type Header, type Headers, textHeader } from '../message/headers.ts'
import {
  copyRanges,
  numberOf,
  type Ranges,
  sizeOf,
  type TrailName,
  textOf,
  trailNames,
  trailPrefix,
  walk,
} from './trail-headers.ts'

/** Why a record became a dead letter. */
export type Disposition = 'exhausted' | 'rejected' | 'undecodable' | 'unhandled' | 'expired' | 'refused' | 'oversize'

/** What a handler or a guard had against a record, in words short enough for headers. */
export interface Failure {
  readonly class: string
  readonly message: string
  readonly stack: string
  /** Equal for failures that look like one bug. */
  readonly fingerprint: string
}

export interface Trail {
  /** Where the record was published. Written once, never overwritten. */
  readonly origin: Origin
  /** Milliseconds since 1970, as are all times here. Missing on a delayed job that has not failed. */
  readonly firstFailedAtMs?: number
  readonly group: string
  /** How many times the handler has tried. */
  readonly attempt: number
  /** One more for every copy. */
  readonly hop: number
  /** Not before this time in this tier. */
  readonly dueAtMs?: number
  /** The end of a wait that takes several hops. */
  readonly untilMs?: number
  readonly failure?: Failure
  readonly disposition?: Disposition
  readonly redriveId?: string
  readonly redriveCount: number
  /** The letter stands for a batch that could not be read: offsets from the origin's to this one. */
  readonly batchLastOffset?: bigint
  readonly batchCodec?: string
  /** What of the record the copy lacks, because it would not have fit; it lies at the origin still. */
  readonly leftOut?: string
}

/** A trail has at most so many headers. */
export const maxTrailHeaders = 24

/** The one header of ours that is believed on a source topic: a publisher may delay a job. */
export const dueAtHeader = `${trailPrefix}due-at`
export const redriveCountHeader = `${trailPrefix}redrive-count`
/** All of the trail together stays below this many bytes: the stack is cut first, then the message. */
export const trailBudgetBytes = 8 * 1024
const roomForTexts = trailBudgetBytes - 2 * 1024

/** The trail of a copy; undefined when the record is none (no readable origin). */
export function readTrail(headers: Headers): Trail | undefined {
  return trailOf({ headers })
}

/** The same of a record, whose headers are read as they lie in the log where they are at hand so. */
export function trailOf(record: RecordHeaders): Trail | undefined {
  const headers = EncodedHeaders.ofRecord(record)
  walk(headers, undefined)
  const { bytes } = headers
  const topic = textOf(bytes, 'origin-topic')
  const partition = numberOf(bytes, 'origin-partition')
  const offset = numberOf(bytes, 'origin-offset')
  if (topic === undefined || partition === undefined || offset === undefined) return undefined
  return {
    origin: { topic, partition, offset: BigInt(offset), timestampMs: numberOf(bytes, 'origin-timestamp') ?? 0 },
    group: textOf(bytes, 'group') ?? '',
    attempt: numberOf(bytes, 'attempt') ?? 0,
    hop: numberOf(bytes, 'hop') ?? 0,
    redriveCount: numberOf(bytes, 'redrive-count') ?? 0,
    ...present('firstFailedAtMs', numberOf(bytes, 'first-failed-at')),
    ...present('dueAtMs', numberOf(bytes, 'due-at')),
    ...present('untilMs', numberOf(bytes, 'until')),
    ...present('failure', readFailure(bytes)),
    ...present('disposition', textOf(bytes, 'disposition') as Disposition | undefined),
    ...present('redriveId', textOf(bytes, 'redrive-id')),
    ...present('batchLastOffset', bigintOf(numberOf(bytes, 'batch-last-offset'))),
    ...present('batchCodec', textOf(bytes, 'batch-codec')),
    ...present('leftOut', textOf(bytes, 'left-out')),
  }
}

/** The headers of a copy: the record's own ones untouched and in order, then the trail. */
export function withTrail(headers: Headers, trail: Trail): Headers {
  return trailed({ headers }, trail).pairs()
}

/** The same of a record, as bytes. */
export function trailed(record: RecordHeaders, trail: Trail): EncodedHeaders {
  const headers = EncodedHeaders.ofRecord(record)
  const own: Ranges = []
  const ownCount = walk(headers, own)
  addTrail(trail)
  const copy = writer.take(ownCount, sizeOf(own))
  copyRanges(headers.bytes, own, copy.bytes, 0)
  return copy
}

export function withoutTrail(headers: Headers): Header[] {
  return headers.filter(([name]) => !name.startsWith(trailPrefix))
}

/** For a copy of a record that has no trail. */
export function redriveHeaders(id: string, count: number): Header[] {
  return [textHeader(`${trailPrefix}redrive-id`, id), textHeader(redriveCountHeader, String(count))]
}

const writer = new HeaderWriter()
const names = Object.fromEntries(trailNames.map(name => [name, headerName(trailPrefix + name)])) as Readonly<
  Record<TrailName, Buffer>
>

function add(name: TrailName, value: string | number | bigint | undefined): void {
  if (value !== undefined) writer.add(names[name], String(value))
}

function addTrail(trail: Trail): void {
  const { origin } = trail
  add('origin-topic', origin.topic)
  add('origin-partition', origin.partition)
  add('origin-offset', origin.offset)
  add('origin-timestamp', origin.timestampMs)
  add('first-failed-at', trail.firstFailedAtMs)
  add('group', trail.group)
  add('attempt', trail.attempt)
  add('order', origin.offset)
  add('hop', trail.hop)
  add('due-at', trail.dueAtMs)
  add('until', trail.untilMs)
  if (trail.failure) addFailure(trail.failure)
  add('disposition', trail.disposition)
  add('redrive-id', trail.redriveId)
  add('redrive-count', trail.redriveCount || undefined)
  add('batch-last-offset', trail.batchLastOffset)
  add('batch-codec', trail.batchCodec)
  add('left-out', trail.leftOut)
}

function addFailure(failure: Failure): void {
  const message = cut(failure.message, roomForTexts / 2)
  add('error-class', cut(failure.class, 200))
  add('error-message', message)
  add('error-stack', cut(failure.stack, roomForTexts - 200 - Buffer.byteLength(message)) || undefined)
  add('error-fingerprint', failure.fingerprint)
}

function readFailure(bytes: Buffer): Failure | undefined {
  const name = textOf(bytes, 'error-class')
  if (name === undefined) return undefined
  return {
    class: name,
    message: textOf(bytes, 'error-message') ?? '',
    stack: textOf(bytes, 'error-stack') ?? '',
    fingerprint: textOf(bytes, 'error-fingerprint') ?? '',
  }
}

/** Cuts by bytes of UTF-8, never inside a character. */
function cut(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= maxBytes) return text
  let end = Math.max(0, maxBytes)
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString('utf8')
}

function bigintOf(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value)
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
