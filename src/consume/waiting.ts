import { type Clock, longestTimerMs } from './clock.ts'

/**
 * Records of one partition that are not due, held in memory with one timer. Nearly always they come in the order in which they
 * fall due, since in a tier every record waits the same time; one that does not is put in its place.
 */
export class Waiting<T> {
  readonly #clock: Clock
  readonly #onDue: (item: T) => void
  readonly #items: { item: T; untilMs: number }[] = []
  #timer: unknown
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onDue: (item: T) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size(): number {
    return this.#items.length
  }

  add(item: T, untilMs: number): void {
    let at = this.#items.length
    while (at > 0 && this.#items[at - 1]!.untilMs > untilMs) at--
    this.#items.splice(at, 0, { item, untilMs })
    this.#arm()
  }

  clear(): void {
    this.#items.length = 0
    this.#disarm()
  }

  #arm(): void {
    const first = this.#items[0]
    if (!first || first.untilMs >= this.#timerAtMs) return
    this.#disarm()
    this.#timerAtMs = first.untilMs
    const delayMs = Math.min(Math.max(0, first.untilMs - this.#clock.now()), longestTimerMs)
    this.#timer = this.#clock.setTimer(() => this.#wake(), delayMs)
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#timerAtMs = Number.POSITIVE_INFINITY
  }

  /** Timers may fire a millisecond early: what is due is decided by the clock. */
  #wake(): void {
    this.#timer = undefined
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.now()
    let due = 0
    while (due < this.#items.length && this.#items[due]!.untilMs <= nowMs) due++
    const items = this.#items.splice(0, due)
    this.#arm()
    for (const { item } of items) this.#onDue(item)
  }
}
