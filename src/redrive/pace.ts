/** Resolves after so many milliseconds, or at once when the signal is aborted. */
export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>

export interface PaceOptions {
  /** Letters per second; Infinity for as fast as it goes. */
  readonly rate: number
  /** Milliseconds since some time. */
  readonly clock: () => number
  readonly pause: Pause
  readonly signal?: AbortSignal | undefined
}

/** Spreads letters over time. What could not go in time is not made up for: a rate is what those downstream can bear. */
export class Pace {
  readonly #options: PaceOptions
  /** When the next letter may go. */
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Resolves when so many letters may go. */
  async turn(letters: number): Promise<void> {
    const { rate, clock, pause, signal } = this.#options
    if (rate === Number.POSITIVE_INFINITY) return
    const nowMs = clock()
    const startMs = Math.max(this.#nextMs, nowMs)
    this.#nextMs = startMs + (letters * 1_000) / rate
    if (startMs > nowMs) await pause(startMs - nowMs, signal)
  }

  /** So many letters at once at most: what is slow goes in small portions, forty a second, so that no retry waits behind a whole batch. */
  portion(most: number): number {
    return Math.max(1, Math.min(most, Math.ceil(this.#options.rate / 40)))
  }
}
