/** How late the event loop is: a handler that computes instead of waiting holds everything up, heartbeats included. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface EventLoopDelay {
  /** Beyond the time for which a timer was set, on average and at most, over the last window. */
  readonly meanMs: number
  readonly maxMs: number
}

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>

const resolutionMs = 50
const defaultWindowMs = 10_000

/** Two histograms, each a window long and half a window apart: a fresh one does not see the stall in which it was made. */
export class EventLoopMonitor {
  #older = histogram()
  #newer = histogram()
  #last: EventLoopDelay = { meanMs: 0, maxMs: 0 }
  readonly #timer: NodeJS.Timeout

  constructor(windowMs = defaultWindowMs) {
    this.#timer = setInterval(() => this.#turn(), windowMs / 2).unref()
  }

  /** The mean of the last whole window; a stall counts for the maximum at once. */
  delay(): EventLoopDelay {
    return { meanMs: this.#last.meanMs, maxMs: Math.max(delayOf(this.#older).maxMs, this.#last.maxMs) }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#older.disable()
    this.#newer.disable()
  }

  #turn(): void {
    this.#last = delayOf(this.#older)
    this.#older.disable()
    this.#older = this.#newer
    this.#newer = histogram()
  }
}

function histogram(): DelayHistogram {
  const made = monitorEventLoopDelay({ resolution: resolutionMs })
  made.enable()
  return made
}

function delayOf(one: DelayHistogram): EventLoopDelay {
  if (one.count === 0) return { meanMs: 0, maxMs: 0 }
  const late = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e4) / 100 - resolutionMs)
  return { meanMs: late(one.mean), maxMs: late(one.max) }
}
