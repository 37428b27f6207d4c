/** One dead letter, for a person to read. */
import { isUtf8 } from 'node:buffer'
import type { BrokerRecord } from '../broker/port.ts'
import { isTombstone, type Letter } from '../dlq/letter.ts'
import { readLetters } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import type { DlqSource } from '../dlq/source.ts'
import { codeOf, LetterMissing } from '../errors.ts'
import { tombstoneType } from '../message/tombstone.ts'
import { createDecoder, type DecodedAny } from '../schema/decoder.ts'
import { toJson } from '../schema/json.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { withoutTrail } from '../topic/trail.ts'
import type { Output } from './context.ts'
import { timeText } from './dlq-words.ts'
import { hexView, printable, printableBytes } from './printable.ts'

export interface ShowOptions {
  readonly selection: Selection
  /** `partition:offset` of the DLQ, where one was named. */
  readonly address: string | undefined
}

/** A payload, or why there is none to show. */
type Payload = (DecodedAny & { readonly problem?: never }) | { readonly problem: string } | typeof tombstone

const tombstone = { type: tombstoneType, problem: 'none: the record is a tombstone' } as const

/** Throws LetterMissing (E_NO_LETTER) when there is none at the address, DlqMissing (E_NO_DLQ). */
export async function showLetters(
  source: DlqSource,
  registry: Pick<SchemaRegistry, 'schemaById'>,
  output: Output,
  { selection, address }: ShowOptions,
): Promise<void> {
  const { decodeAny } = createDecoder(registry, [])
  const items: object[] = []
  let shown = 0
  const onLetter = async (letter: Letter): Promise<void> => {
    const payload = isTombstone(letter) ? tombstone : await decode(decodeAny, letter.record.value)
    if (output.json) items.push(jsonOf(source.group, letter, payload))
    else for (const line of textOf(source.group, letter, payload, shown > 0)) output.line(line)
    shown++
  }
  await readLetters(source, onLetter, { selection })
  if (shown === 0 && address !== undefined) {
    throw new LetterMissing(
      `group '${source.group}' has no letter ${printable(address)}: it was moved, has expired, or never was. See: spillway dlq list ${source.group}`,
    )
  }
  if (output.json) output.list('DeadLetterList', items)
  else if (shown === 0) output.note(`group '${source.group}' has no letters to show`)
}

/** A registry that is down is no reason to hide the rest of the letter. */
async function decode(decodeAny: (value: Buffer) => Promise<DecodedAny>, value: Buffer | null): Promise<Payload> {
  if (value === null) return { problem: 'the record has no value' }
  try {
    return await decodeAny(value)
  } catch (error) {
    return { problem: `${(error as Error).message} (${codeOf(error) ?? 'unknown'})` }
  }
}

function textOf(group: string, letter: Letter, payload: Payload, again: boolean): string[] {
  const { partition, offset, record, trail } = letter
  const own = trail ? withoutTrail(record.headers) : record.headers
  return [
    ...(again ? [''] : []),
    `${group} ${partition}:${offset}`,
    ...trailLines(letter),
    field('key', record.key === null ? '(none)' : printableBytes(record.key)),
    ...(own.length > 0 ? ['  headers'] : []),
    ...own.map(([name, value]) => `    ${printable(name)} = ${printableBytes(value)}`),
    ...payloadLines(payload, record),
    ...stackLines(trail?.failure?.stack ?? ''),
  ]
}

function trailLines({ record, trail }: Letter): string[] {
  const dead = field('dead since', timeText(record.timestampMs))
  if (!trail) return [field('origin', 'unknown: the record has no failure trail'), dead]
  const { origin, attempt, redriveCount, failure } = trail
  const tries = `${attempt} ${attempt === 1 ? 'attempt' : 'attempts'}${redriveCount > 0 ? `, redriven ${redriveCount} times` : ''}`
  return [
    field('origin', `${printable(origin.topic)} ${origin.partition}:${origin.offset} of ${timeText(origin.timestampMs)}`),
    field('disposition', `${printable(trail.disposition ?? 'unknown')} after ${tries}`),
    ...(trail.batchLastOffset === undefined
      ? []
      : [field('batch', `all records up to ${trail.batchLastOffset} (${printable(trail.batchCodec ?? '')}), at the origin`)]),
    ...(trail.leftOut === undefined ? [] : [field('left out', `${printable(trail.leftOut)}, at the origin`)]),
    ...(trail.firstFailedAtMs === undefined ? [] : [field('first failed', timeText(trail.firstFailedAtMs))]),
    dead,
    ...(failure ? [field('error', `${printable(failure.class)}: ${printable(failure.message)}`)] : []),
    ...(failure?.fingerprint ? [field('fingerprint', printable(failure.fingerprint))] : []),
  ]
}

function payloadLines(payload: Payload, { value }: BrokerRecord): string[] {
  if (payload.problem === undefined) {
    const json = JSON.stringify(toJson(payload.payload), null, 2)
    return [
      `  payload, ${printable(payload.type)} of schema id ${payload.schemaId}`,
      ...json.split('\n').map(line => `    ${printable(line)}`),
    ]
  }
  if (payload === tombstone) return [field('payload', payload.problem)]
  const size = value === null ? [] : [`  value, ${value.length} bytes`, ...hexView(value).map(line => `    ${line}`)]
  return [field('payload', `cannot be decoded: ${printable(payload.problem)}`), ...size]
}

function stackLines(stack: string): string[] {
  return stack === '' ? [] : ['  stack', ...stack.split('\n').map(line => `    ${printable(line.trim())}`)]
}

function field(name: string, value: string): string {
  return `  ${name.padEnd(12)}  ${value}`
}

/** Text where the bytes are text, else base64: nothing is lost. */
function jsonOf(group: string, { partition, offset, record, trail }: Letter, payload: Payload): object {
  return {
    group,
    partition,
    offset,
    timestamp: timeText(record.timestampMs),
    trail: trail ?? null,
    key: jsonBytes(record.key),
    headers: record.headers.map(([name, value]) => ({ name, value: jsonBytes(value) })),
    ...(payload === tombstone
      ? { type: tombstone.type, payload: null }
      : payload.problem === undefined
        ? { type: payload.type, schemaId: payload.schemaId, payload: toJson(payload.payload) }
        : { problem: payload.problem, value: record.value?.toString('base64') ?? null }),
  }
}

function jsonBytes(bytes: Buffer | null): string | null | { base64: string } {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}
