/**
 * Notices a consumer that has gone silent: kafkajs may wait for ever, without an event, for an answer that does not come.
 * Any answer of the broker counts, a heartbeat's as well: a long drain, or fetches that are held back, are no silence.
 */

export interface WatchdogOptions {
  readonly silentAfterMs: number
  /** While the group is being joined: the broker answers when the slowest member has joined. */
  readonly joinWithinMs: number
  /** Called once. */
  readonly onSilent: (silentMs: number) => void
  /** Calls back every `ms` until what it returns is called. Default: a timer that keeps no process alive. */
  readonly every?: (ms: number, callback: () => void) => () => void
}

const ticksToSilence = 6

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #tickMs: number
  #silentTicks = 0
  #joining = false
  #end: (() => void) | undefined
  #over = false

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#tickMs = options.silentAfterMs / ticksToSilence
  }

  start(): void {
    if (this.#over) return
    this.#end ??= (this.#options.every ?? systemTimer)(this.#tickMs, () => this.#tick())
  }

  stop(): void {
    this.#over = true
    this.#end?.()
  }

  /** The broker has answered. */
  heard(): void {
    this.#silentTicks = 0
  }

  /** Until `join` has settled, silence may last as long as a rebalance. */
  async joining<T>(join: () => Promise<T>): Promise<T> {
    this.#joining = true
    this.heard()
    try {
      return await join()
    } finally {
      this.#joining = false
      this.heard()
    }
  }

  /** Ticks, not times: a process that was frozen, or whose handler blocks, wakes with one late tick and has not been answered yet. */
  #tick(): void {
    const { silentAfterMs, joinWithinMs, onSilent } = this.#options
    const silentMs = ++this.#silentTicks * this.#tickMs
    if (silentMs < (this.#joining ? joinWithinMs : silentAfterMs)) return
    this.stop()
    onSilent(silentMs)
  }
}

function systemTimer(ms: number, callback: () => void): () => void {
  const timer = setInterval(callback, ms).unref()
  return () => clearInterval(timer)
}
