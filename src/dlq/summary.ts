import type { Disposition } from '../topic/trail.ts'
import type { Letter } from './read.ts'

/** Letters that died of the same thing. */
export interface LetterKind {
  readonly disposition: Disposition | undefined
  /** '' when the letter does not say. */
  readonly errorClass: string
  readonly fingerprint: string
  /** Of the first one. */
  readonly errorMessage: string
  readonly letters: number
  /** Times of the letters' records. Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** Address of the first one, by partition and offset. */
  readonly first: { readonly partition: number; readonly offset: bigint }
}

type Growing = { -readonly [K in keyof LetterKind]: LetterKind[K] }

/** Counts letters by disposition, error class and fingerprint. Holds one entry a kind, however many letters there are. */
export class LetterSummary {
  readonly #kinds = new Map<string, Growing>()

  add({ partition, offset, record, trail }: Letter): void {
    const { class: errorClass = '', fingerprint = '', message: errorMessage = '' } = trail?.failure ?? {}
    const disposition = trail?.disposition
    const name = JSON.stringify([disposition, errorClass, fingerprint])
    const seenMs = record.timestampMs
    const kind = this.#kinds.get(name)
    if (!kind) {
      const seen = { letters: 1, firstSeenMs: seenMs, lastSeenMs: seenMs, first: { partition, offset } }
      this.#kinds.set(name, { disposition, errorClass, fingerprint, errorMessage, ...seen })
      return
    }
    kind.letters++
    kind.firstSeenMs = Math.min(kind.firstSeenMs, seenMs)
    kind.lastSeenMs = Math.max(kind.lastSeenMs, seenMs)
  }

  /** The most frequent first. */
  kinds(): LetterKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.letters - a.letters)
  }
}
