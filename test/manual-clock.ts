import type { Clock } from '../src/consume/clock.ts'

/** Time that stands still until it is moved. */
export class ManualClock implements Clock {
  longestTimerMs = 0
  #nowMs: number
  #timers: { atMs: number; callback: () => void }[] = []

  constructor(nowMs = 0) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length
  }

  setTimer(callback: () => void, delayMs: number): unknown {
    this.longestTimerMs = Math.max(this.longestTimerMs, delayMs)
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return timer
  }

  clearTimer(timer: unknown): void {
    this.#timers = this.#timers.filter(one => one !== timer)
  }

  /** Runs timers in the order of their times, as far as `ms`. */
  advanceTo(ms: number): void {
    for (;;) {
      const next = this.#timers.filter(timer => timer.atMs <= ms).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.clearTimer(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  /** Every pending timer fires at `nowMs`, before its time: as timers of Node do by a millisecond. */
  fireEarly(nowMs: number): void {
    this.#nowMs = nowMs
    for (const timer of this.#timers.splice(0)) timer.callback()
  }
}
