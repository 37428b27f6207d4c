/** Decodes what waits for a group with the schemas that its handlers were built with. */
import type { BrokerRecord, Reader } from '../broker/port.ts'
import type { Processor } from '../consume/processor.ts'
import type { OffsetRange } from '../dlq/ranges.ts'
import { codeOf } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { resolutionProblems } from '../schema/compatibility.ts'
import { createDecoder, type Decoder, readersByName } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { resolutionsOf } from '../schema/resolutions.ts'
import { schemaIdIn } from '../schema/wire.ts'
import { type InFlightPlan, offsetsIn, spread, type Waiting } from './in-flight-plan.ts'

/**
 * `schema`: this build's schema cannot read the writer's. `bytes`: they are not what their schema says, or in no framing; no build
 * can read them. `unknown-id`: the registry does not know the schema. `batch`: the batch is corrupt or too large.
 */
export type FailureKind = 'schema' | 'bytes' | 'unknown-id' | 'batch'

export interface Reason {
  readonly kind: FailureKind
  /** What is known of the writer: its schema id, and the full name of its record. */
  readonly schemaId: number | undefined
  readonly type: string | undefined
  /** Of `schema`: the first offending field; '' for the record itself. */
  readonly path: string | undefined
  readonly text: string
  readonly fix: string | undefined
}

export interface FailingRecord extends Reason {
  readonly where: Waiting['where']
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestampMs: number
}

export interface PartRead extends Omit<Waiting, 'ranges'> {
  /** Offsets that wait, and those of them that were looked at. */
  readonly waiting: bigint
  readonly read: bigint
}

export interface InFlightResult {
  readonly group: string
  readonly parts: readonly PartRead[]
  /** Records that were decoded well. */
  readonly readable: number
  /** Of no type that the group handles, or without a value: it skips them, or has its own rule for them. */
  readonly unhandled: number
  readonly failed: number
  readonly reasons: readonly (Reason & { readonly records: number })[]
  /** The first of those that would fail. */
  readonly failing: readonly FailingRecord[]
  /** The time limit ended it. */
  readonly cutShort: boolean
}

export interface ReadInFlight {
  readonly reader: Reader
  readonly registry: Pick<SchemaRegistry, 'schemaById'>
  /** Records of a partition at most; all when missing. */
  readonly sample?: number | undefined
  /** How many records are named. */
  readonly show: number
  /** Whether the time is over. */
  readonly isOver: () => boolean
  readonly onRecord?: (() => void) | undefined
}

/** Rejects with RegistryUnavailable, and with what the broker's port does: nobody knows then what would fail. */
export async function readInFlight(plan: InFlightPlan, processor: Processor, options: ReadInFlight): Promise<InFlightResult> {
  const reading = new Reading(processor, options)
  const parts: PartRead[] = []
  for (const waiting of plan.waiting) parts.push(await reading.part(waiting))
  return reading.result(plan.group, parts)
}

/** How many offsets one read asks for: its cost does not matter then, and what is asked for in vain is little. */
const SLICE = 5_000n

class Reading {
  #readable = 0
  #unhandled = 0
  #failed = 0
  #isOver = false
  readonly #reasons = new Map<string, Reason & { records: number }>()
  readonly #failing: FailingRecord[] = []
  readonly #known = new Map<number, Promise<Reason | undefined>>()
  readonly #readers: ReadonlyMap<string, MessageSchema>
  readonly #options: ReadInFlight
  readonly #decoder: Decoder

  constructor({ subscriptions }: Processor, options: ReadInFlight) {
    const schemas = [...new Set(subscriptions.map(({ definition }) => definition.schema))]
    this.#readers = readersByName(schemas)
    this.#options = options
    this.#decoder = createDecoder(options.registry, schemas)
  }

  async part({ where, topic, partition, ranges }: Waiting): Promise<PartRead> {
    const { sample } = this.#options
    let read = 0n
    for (const range of sample === undefined ? ranges : spread(ranges, sample))
      read += await this.#range(where, topic, partition, range)
    return { where, topic, partition, waiting: offsetsIn(ranges), read }
  }

  result(group: string, parts: readonly PartRead[]): InFlightResult {
    const reasons = [...this.#reasons.values()].toSorted((a, b) => b.records - a.records)
    const counts = { readable: this.#readable, unhandled: this.#unhandled, failed: this.#failed }
    return { group, parts, ...counts, reasons, failing: this.#failing, cutShort: this.#isOver }
  }

  /** How many offsets were looked at. */
  async #range(where: Waiting['where'], topic: string, partition: number, [from, to]: OffsetRange): Promise<bigint> {
    let next = from
    // Kept and thrown afterwards: a reader may wrap what is thrown inside it.
    let failed: { error: unknown } | undefined
    const take = async (record: BrokerRecord): Promise<void> => {
      if (failed || this.#isOver || this.#options.isOver()) this.#isOver ||= !failed
      else {
        try {
          const looked = this.#look(where, record)
          if (looked instanceof Promise) await looked
          next = record.offset + 1n
        } catch (error) {
          failed = { error }
        }
      }
      if (failed || this.#isOver) throw new Error('no more')
    }
    for (let at = from; at < to && !this.#isOver; ) {
      const end = at + SLICE < to ? at + SLICE : to
      try {
        if (this.#options.isOver()) this.#isOver = true
        else await this.#options.reader.read({ topic, partition, from: at, to: end }, take)
      } catch (error) {
        if (failed) throw (failed as { error: unknown }).error
        if (!this.#isOver) throw error
      }
      if (!this.#isOver) next = end
      at = end
    }
    return next - from
  }

  #look(where: Waiting['where'], record: BrokerRecord): void | Promise<void> {
    this.#options.onRecord?.()
    const { value, unreadable } = record
    if (unreadable !== undefined) return this.#fails(where, record, batchReason(unreadable.reason))
    if (value === null) {
      this.#unhandled++
      return
    }
    try {
      const decoded = this.#decoder.decode(value)
      if (decoded instanceof Promise) return decoded.then(this.#count, error => this.#undecoded(where, record, value, error))
      this.#count(decoded)
    } catch (error) {
      return this.#undecoded(where, record, value, error)
    }
  }

  readonly #count = ({ kind }: { readonly kind: 'message' | 'unhandled' }): void => {
    if (kind === 'message') this.#readable++
    else this.#unhandled++
  }

  async #undecoded(where: Waiting['where'], record: BrokerRecord, value: Buffer, error: unknown): Promise<void> {
    const code = codeOf(error)
    if (code !== 'E_UNDECODABLE' && code !== 'E_UNKNOWN_SCHEMA_ID') throw error
    const schemaId = schemaIdIn(value)
    if (code === 'E_UNKNOWN_SCHEMA_ID') return this.#fails(where, record, unknownReason(schemaId))
    const reason = schemaId === undefined ? undefined : await this.#schemaReason(schemaId)
    this.#fails(where, record, reason ?? bytesReason(schemaId, (error as Error).message))
  }

  /** Why this build cannot read what was written with the id, or undefined when it is not for its schema. */
  #schemaReason(schemaId: number): Promise<Reason | undefined> {
    let known = this.#known.get(schemaId)
    if (known === undefined) {
      known = this.#resolve(schemaId)
      this.#known.set(schemaId, known)
    }
    return known
  }

  async #resolve(schemaId: number): Promise<Reason | undefined> {
    const writer = await resolutionsOf(this.#options.registry).writer(schemaId)
    // One of another language, or broken.
    if (writer.kind === 'refused') return undefined
    const schema = this.#readers.get(writer.name)
    if (schema === undefined) return undefined
    const [first] = resolutionProblems(schema, writer.json)
    return first && { kind: 'schema', schemaId, type: writer.name, path: first.path, text: first.refusal, fix: first.fix }
  }

  #fails(where: Waiting['where'], { topic, partition, offset, timestampMs }: BrokerRecord, reason: Reason): void {
    this.#failed++
    const key = JSON.stringify([reason.kind, reason.kind === 'schema' ? reason.schemaId : undefined])
    const counted = this.#reasons.get(key)
    if (counted !== undefined) counted.records++
    else this.#reasons.set(key, { ...reason, ...(reason.kind !== 'schema' && inGeneral[reason.kind]), records: 1 })
    if (this.#failing.length < this.#options.show) this.#failing.push({ where, topic, partition, offset, timestampMs, ...reason })
  }
}

/** Of what may be anyone's bytes no more is kept than how many there are. */
const inGeneral = {
  bytes: { text: 'bytes that are not what their schema says, or in no framing: no build can read them', schemaId: undefined },
  'unknown-id': { text: 'written with a schema id that the registry does not know', schemaId: undefined },
  batch: { text: 'a batch that is corrupt, or larger inside than is allowed', schemaId: undefined },
} as const

function batchReason(text: string): Reason {
  return { kind: 'batch', schemaId: undefined, type: undefined, path: undefined, text, fix: undefined }
}

function bytesReason(schemaId: number | undefined, text: string): Reason {
  return { kind: 'bytes', schemaId, type: undefined, path: undefined, text, fix: undefined }
}

function unknownReason(schemaId: number | undefined): Reason {
  const text = `the registry does not know schema id ${schemaId}`
  return { kind: 'unknown-id', schemaId, type: undefined, path: undefined, text, fix: undefined }
}
