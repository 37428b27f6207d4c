/**
 * What a redrive reads of a letter's trail, and what it changes, without making the rest of it: a DLQ may hold millions of letters
 * with some 24 headers each, and to make them all is most of what a redrive costs. The same comes of it as of `readTrail` and
 * `withTrail`, but bytes stay bytes.
 */
import { EncodedHeaders, HeaderCursor } from '../message/encoded-headers.ts'
import { type Headers, textHeader, wholeNumber } from '../message/headers.ts'

const prefix = 'spillway-'
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
] as const
const changed = ['group', 'hop', 'redrive-count', 'disposition', 'batch-last-offset', 'left-out'] as const
type Name = (typeof kept)[number] | (typeof changed)[number]
const names: readonly Name[] = [...kept, ...changed]
const places: ReadonlyMap<Name, number> = new Map(names.map((name, place) => [name, place]))
/** By their length, as names are compared as bytes: a text of each would cost more than all else here. */
const namesOfLength = Map.groupBy(
  names.map((name, place) => ({ bytes: Buffer.from(prefix + name), place })),
  ({ bytes }) => bytes.length,
)
const prefixBytes = Buffer.from(prefix)

/** Where a header lies, or several beside each other; `valueAt` is -1 for null. */
interface Place {
  readonly at: number
  end: number
  readonly valueAt: number
}

/** The headers of a letter, walked over once. */
export class LetterHeaders {
  readonly #bytes: Buffer
  readonly #own: Place[] = []
  #ownCount = 0
  readonly #trail: (Place | undefined)[] = new Array(places.size).fill(undefined)

  static of(record: { readonly headers: Headers; readonly encodedHeaders?: EncodedHeaders | undefined }): LetterHeaders {
    return new LetterHeaders(record.encodedHeaders ?? EncodedHeaders.of(record.headers))
  }

  private constructor(headers: EncodedHeaders) {
    const { bytes } = headers
    this.#bytes = bytes
    for (const cursor = new HeaderCursor(headers); cursor.next(); ) {
      const { at, end, valueAt } = cursor
      if (!startsAt(bytes, cursor.nameAt, cursor.nameEnd, prefixBytes)) {
        join(this.#own, { at, end, valueAt })
        this.#ownCount++
        continue
      }
      // What is not known by name is no part of a trail. Of several the first counts.
      const place = placeOf(bytes, cursor.nameAt, cursor.nameEnd)
      if (place !== undefined) this.#trail[place] ??= { at, end, valueAt }
    }
  }

  /** Whether `readTrail` would find one. */
  get hasTrail(): boolean {
    const origin = this.#text('origin-topic')
    return origin !== undefined && this.#number('origin-partition') !== undefined && this.#number('origin-offset') !== undefined
  }

  /** The letter is about more than it holds: a batch, or a record that was too large for the DLQ. */
  get lacksItsValue(): boolean {
    if (this.#text('left-out') !== undefined || this.#number('batch-last-offset') !== undefined) return true
    return this.#text('disposition') === 'oversize'
  }

  get hop(): number {
    return this.#number('hop') ?? 0
  }

  get redriveCount(): number {
    return this.#number('redrive-count') ?? 0
  }

  /** Its own headers, in order, then of the trail what says the same of a copy, then those given. */
  with(given: EncodedHeaders, withGroup: boolean): EncodedHeaders {
    const trail = (withGroup ? [...kept, 'group' as const] : kept).flatMap(name => this.#trail[places.get(name)!] ?? [])
    const ranges = this.#own.map(place => ({ ...place }))
    for (const place of trail) join(ranges, place)
    const bytes = Buffer.allocUnsafe(ranges.reduce((sum, { at, end }) => sum + end - at, given.bytes.length))
    let end = 0
    for (const range of ranges) end += this.#bytes.copy(bytes, end, range.at, range.end)
    given.bytes.copy(bytes, end)
    return new EncodedHeaders(this.#ownCount + trail.length + given.count, bytes)
  }

  #text(name: Name): string | undefined {
    const place = this.#trail[places.get(name)!]
    return place === undefined || place.valueAt < 0 ? undefined : this.#bytes.toString('utf8', place.valueAt, place.end)
  }

  #number(name: Name): number | undefined {
    return wholeNumber(this.#text(name))
  }
}

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
  return EncodedHeaders.of(Object.entries(values).map(([name, value]) => textHeader(prefix + name, String(value))))
}

function placeOf(bytes: Buffer, at: number, end: number): number | undefined {
  return namesOfLength.get(end - at)?.find(name => startsAt(bytes, at, end, name.bytes))?.place
}

function startsAt(bytes: Buffer, at: number, end: number, wanted: Buffer): boolean {
  if (end - at < wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

/** What lies beside each other is copied at once. */
function join(ranges: Place[], { at, end, valueAt }: Place): void {
  const last = ranges.at(-1)
  if (last?.end === at) last.end = end
  else ranges.push({ at, end, valueAt })
}
