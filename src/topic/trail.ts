/** The failure trail: what the copies of a record say, in headers, about where it came from and what became of it. */

import type { Origin } from '../message/envelope.ts'
import { type Header, type Headers, headerNumber, headerText, textHeader } from '../message/headers.ts'

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

/** The trail stands at the end of a copy's headers, and has at most this many. */
export const maxTrailHeaders = 24

const prefix = 'spillway-'
/** The one header of ours that is believed on a source topic: a publisher may delay a job. */
export const dueAtHeader = `${prefix}due-at`
export const redriveCountHeader = `${prefix}redrive-count`
/** All of the trail together stays below this many bytes: the stack is cut first, then the message. */
export const trailBudgetBytes = 8 * 1024
const roomForTexts = trailBudgetBytes - 2 * 1024

/** The trail of a copy; undefined when the record is none (no readable origin). */
export function readTrail(headers: Headers): Trail | undefined {
  const topic = headerText(headers, `${prefix}origin-topic`)
  const partition = headerNumber(headers, `${prefix}origin-partition`)
  const offset = headerNumber(headers, `${prefix}origin-offset`)
  if (topic === undefined || partition === undefined || offset === undefined) return undefined
  const text = (name: string) => headerText(headers, prefix + name)
  const number = (name: string) => headerNumber(headers, prefix + name)
  return {
    origin: { topic, partition, offset: BigInt(offset), timestampMs: number('origin-timestamp') ?? 0 },
    group: text('group') ?? '',
    attempt: number('attempt') ?? 0,
    hop: number('hop') ?? 0,
    redriveCount: number('redrive-count') ?? 0,
    ...present('firstFailedAtMs', number('first-failed-at')),
    ...present('dueAtMs', number('due-at')),
    ...present('untilMs', number('until')),
    ...present('failure', readFailure(text)),
    ...present('disposition', text('disposition') as Disposition | undefined),
    ...present('redriveId', text('redrive-id')),
    ...present('batchLastOffset', bigintOf(number('batch-last-offset'))),
    ...present('batchCodec', text('batch-codec')),
    ...present('leftOut', text('left-out')),
  }
}

/** Where the trail of a copy is, however many headers are before it. */
export function trailHeadersOf(headers: Headers): Headers {
  return headers.slice(-maxTrailHeaders)
}

/** The headers of a copy: the record's own ones untouched and in order, then the trail. */
export function withTrail(headers: Headers, trail: Trail): Header[] {
  return [...withoutTrail(headers), ...writeTrail(trail)]
}

export function withoutTrail(headers: Headers): Header[] {
  return headers.filter(([name]) => !name.startsWith(prefix))
}

/** For a copy of a record that has no trail. */
export function redriveHeaders(id: string, count: number): Header[] {
  return [textHeader(`${prefix}redrive-id`, id), textHeader(redriveCountHeader, String(count))]
}

function writeTrail(trail: Trail): Header[] {
  const values: [string, string | number | bigint | undefined][] = [
    ['origin-topic', trail.origin.topic],
    ['origin-partition', trail.origin.partition],
    ['origin-offset', trail.origin.offset],
    ['origin-timestamp', trail.origin.timestampMs],
    ['first-failed-at', trail.firstFailedAtMs],
    ['group', trail.group],
    ['attempt', trail.attempt],
    ['order', trail.origin.offset],
    ['hop', trail.hop],
    ['due-at', trail.dueAtMs],
    ['until', trail.untilMs],
    ...failureValues(trail.failure),
    ['disposition', trail.disposition],
    ['redrive-id', trail.redriveId],
    ['redrive-count', trail.redriveCount || undefined],
    ['batch-last-offset', trail.batchLastOffset],
    ['batch-codec', trail.batchCodec],
    ['left-out', trail.leftOut],
  ]
  return values.flatMap(([name, value]) => (value === undefined ? [] : [textHeader(prefix + name, String(value))]))
}

function failureValues(failure: Failure | undefined): [string, string | undefined][] {
  if (!failure) return []
  const message = cut(failure.message, roomForTexts / 2)
  return [
    ['error-class', cut(failure.class, 200)],
    ['error-message', message],
    ['error-stack', cut(failure.stack, roomForTexts - 200 - Buffer.byteLength(message)) || undefined],
    ['error-fingerprint', failure.fingerprint],
  ]
}

function readFailure(text: (name: string) => string | undefined): Failure | undefined {
  const name = text('error-class')
  if (name === undefined) return undefined
  return {
    class: name,
    message: text('error-message') ?? '',
    stack: text('error-stack') ?? '',
    fingerprint: text('error-fingerprint') ?? '',
  }
}

/** Cuts by bytes of UTF-8, never inside a character. */
function cut(text: string, maxBytes: number): string {
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
