/**
 * When a batch is compressed. The copy of a record that came compressed is, so that tiers and DLQ do not take many times the place of
 * their source. And so is a record that is too large for its topic as it is: a compressed batch may hold larger ones than any plain
 * one, and their copies have to go somewhere. Small ones with gzip, which everybody unpacks who reads a topic; large ones with zstd, which
 * finds what repeats itself at a distance, and is the smallest that there is: a transaction has no time for one codec after another.
 */
import { codeOf, RecordTooLarge } from '../../errors.ts'
import type { OutgoingRecord } from '../port.ts'
import { recordBytes } from '../record-size.ts'
import { batchLimits, type codecNames } from './decompress.ts'

export type Codec = Extract<(typeof codecNames)[number], 'none' | 'gzip' | 'zstd'>

/** A broker ends the connection of who sends a larger request (`socket.request.max.bytes`), which would look like an outage. */
const mostBytesARequest = 100 * 1024 * 1024
/** What a topic takes unless it says otherwise: more is best made as small as can be. */
const largeBytes = 1_048_588
/** How long a topic is taken to refuse what it has refused: somebody may have raised its limit. */
const rememberMs = 5 * 60_000

export class Squeeze {
  /** By topic: the fewest bytes that it did not take plain. */
  readonly #refused = new Map<string, { readonly bytes: number; readonly untilMs: number }>()

  /** Calls `write` with one codec after another, until one is small enough. Rejects with its last error, or with RecordTooLarge when none is worth a try. */
  async write(topic: string, records: readonly OutgoingRecord[], write: (codec: Codec) => Promise<bigint>): Promise<bigint> {
    // Several are sent again in halves by whoever put them together.
    const [only] = records
    if (records.length > 1 || !only) return write(records.some(({ compressed }) => compressed) ? 'gzip' : 'none')
    const bytes = recordBytes(only)
    let refusal: unknown = new RecordTooLarge(`A record of ${bytes} bytes is too large for ${topic}`)
    for (const codec of this.#worthATry(topic, bytes, only.compressed === true)) {
      try {
        return await write(codec)
      } catch (error) {
        if (codeOf(error) !== 'E_RECORD_TOO_LARGE') throw error
        if (codec === 'none') this.#refused.set(topic, { bytes, untilMs: Date.now() + rememberMs })
        refusal = error
      }
    }
    throw refusal
  }

  #worthATry(topic: string, bytes: number, compressed: boolean): Codec[] {
    if (bytes > mostBytesARequest) return []
    // Larger inside than that, our own consumers would refuse it.
    if (bytes > batchLimits.maxBytes) return ['none']
    const refused = this.#refused.get(topic)
    const isRefused = refused !== undefined && refused.bytes <= bytes && refused.untilMs > Date.now()
    if (isRefused || (compressed && bytes > largeBytes)) return ['zstd']
    return [compressed ? 'gzip' : 'none', 'zstd']
  }
}
