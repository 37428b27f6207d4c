/** What a redrive reads of a letter's trail, and what it changes. The same comes of it as of `readTrail` and `withTrail`, but bytes stay bytes. */
import { EncodedHeaders, HeaderWriter, headerName, type RecordHeaders } from '../message/encoded-headers.ts'
import type { Disposition } from './trail.ts'
import {
  addTo,
  copyRanges,
  hasValue,
  numberOf,
  type Ranges,
  sizeOf,
  type TrailName,
  textOf,
  trailPrefix,
  walk,
} from './trail-headers.ts'

/** What says the same of a copy as of the letter. */
const kept = [
  'origin-topic',
  'origin-partition',
  'origin-offset',
  'origin-timestamp',
  'first-failed-at',
  'order',
  'error-class',
  'error-message',
  'error-stack',
  'error-fingerprint',
] as const satisfies readonly TrailName[]

/** The headers of a letter, walked over once. */
export class LetterHeaders {
  /** Whether `readTrail` would find one. */
  readonly hasTrail: boolean
  /** The letter is about more than it holds: a batch, or a record that was too large for the DLQ. */
  readonly lacksItsValue: boolean
  readonly hop: number
  readonly redriveCount: number
  readonly #bytes: Buffer
  readonly #own: Ranges = []
  readonly #kept: Ranges = []
  readonly #group: Ranges = []
  readonly #ownCount: number
  readonly #keptCount: number

  static of(record: RecordHeaders): LetterHeaders {
    return new LetterHeaders(EncodedHeaders.ofRecord(record))
  }

  private constructor(headers: EncodedHeaders) {
    const { bytes } = headers
    this.#bytes = bytes
    this.#ownCount = walk(headers, this.#own)
    let keptCount = 0
    for (const name of kept) if (addTo(this.#kept, name)) keptCount++
    this.#keptCount = keptCount
    addTo(this.#group, 'group')
    this.hop = numberOf(bytes, 'hop') ?? 0
    this.redriveCount = numberOf(bytes, 'redrive-count') ?? 0
    const hasOrigin = numberOf(bytes, 'origin-partition') !== undefined && numberOf(bytes, 'origin-offset') !== undefined
    this.hasTrail = hasOrigin && hasValue('origin-topic')
    this.lacksItsValue =
      hasValue('left-out') || numberOf(bytes, 'batch-last-offset') !== undefined || textOf(bytes, 'disposition') === oversize
  }

  /** Its own headers, in order, then of the trail what says the same of a copy, then those given. */
  with(given: EncodedHeaders, withGroup: boolean): EncodedHeaders {
    const group = withGroup ? this.#group : []
    const bytes = Buffer.allocUnsafe(sizeOf(this.#own) + sizeOf(this.#kept) + sizeOf(group) + given.bytes.length)
    let end = copyRanges(this.#bytes, this.#own, bytes, 0)
    end = copyRanges(this.#bytes, this.#kept, bytes, end)
    end = copyRanges(this.#bytes, group, bytes, end)
    bytes.set(given.bytes, end)
    return new EncodedHeaders(this.#ownCount + this.#keptCount + group.length / 2 + given.count, bytes)
  }
}

const oversize: Disposition = 'oversize'

/** Makes the headers of the copies of one run: origin and failure stay, attempts start again. The group is the letter's by default. */
export function redrivenBy(runId: string, group: string | undefined): (letter: LetterHeaders) => EncodedHeaders {
  const known = new Map<string, EncodedHeaders>()
  return letter => {
    const values = { attempt: 0, hop: letter.hop + 1, 'redrive-id': runId, 'redrive-count': letter.redriveCount + 1 }
    const key = `${values.hop} ${values['redrive-count']}`
    const given = known.get(key) ?? encoded(group === undefined ? values : { group, ...values })
    if (known.size < 1_000) known.set(key, given)
    return letter.with(given, group === undefined)
  }
}

function encoded(values: Readonly<Record<string, string | number>>): EncodedHeaders {
  const writer = new HeaderWriter()
  for (const [name, value] of Object.entries(values)) writer.add(headerName(trailPrefix + name), String(value))
  return writer.take()
}
