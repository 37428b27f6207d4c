/** Lets so many records pass in a second, whoever asks for them. */
import { setTimeout as pause } from 'node:timers/promises'

export interface PaceOptions {
  /** Milliseconds, growing. Default performance.now. */
  readonly now?: () => number
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** What has not been used is saved for so long at most, so that a stop is not followed by a rush. */
const savedMs = 100
/** The membership is kept alive this often. */
const heartbeatEveryMs = 1_000

export class Pace {
  readonly #perMs: number
  readonly #most: number
  readonly #now: () => number
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<unknown>
  #saved = 1
  #atMs: number

  constructor(perSecond: number, options: PaceOptions = {}) {
    this.#perMs = perSecond / 1_000
    this.#most = Math.max(1, this.#perMs * savedMs)
    this.#now = options.now ?? (() => performance.now())
    this.#pause = options.pause ?? ((ms, signal) => pause(ms, undefined, { signal }).catch(() => {}))
    this.#atMs = this.#now()
  }

  /** How many of `wanted` may pass now, at least one; 0 when the signal is aborted. Never rejects unless `heartbeat` does. */
  async take(wanted: number, signal: AbortSignal, heartbeat: () => Promise<void>): Promise<number> {
    let beatAtMs = this.#now()
    while (!signal.aborted) {
      const nowMs = this.#now()
      this.#saved = Math.min(this.#most, this.#saved + (nowMs - this.#atMs) * this.#perMs)
      this.#atMs = nowMs
      const count = Math.min(wanted, Math.floor(this.#saved))
      if (count > 0) {
        this.#saved -= count
        return count
      }
      if (nowMs - beatAtMs >= heartbeatEveryMs) {
        beatAtMs = nowMs
        await heartbeat()
      }
      await this.#pause(Math.min(Math.max(1, (1 - this.#saved) / this.#perMs), heartbeatEveryMs), signal)
    }
    return 0
  }
}
