/**
 * The handlers that run now, and the clock over them: one timer for all, since one each is a good part of what a message costs.
 * A Set would read better, but V8 copies the table of a Set that is added to and deleted from all the time, and each old table
 * keeps what was in it, whole attempts, until the next full collection: most of what the collector did.
 */
export interface Cancellable {
  /** Kept by Running. */
  place: number
  /** Milliseconds, as are all times here; the deadline by `performance.now()`. */
  readonly timeoutMs: number
  readonly deadlineMs: number
  timeOut(): void
  cancel(reason: unknown): void
}

export class Running {
  readonly #all: Cancellable[] = []
  #timer: NodeJS.Timeout | undefined

  add(one: Cancellable): void {
    one.place = this.#all.push(one) - 1
    this.#timer ??= setTimeout(timeOutOverdue, checkEveryMs(one), this)
  }

  /** The last one takes its place. */
  remove(one: Cancellable): void {
    const last = this.#all.pop()!
    if (this.#all.length === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (last === one) return
    this.#all[one.place] = last
    last.place = one.place
  }

  cancel(reason: unknown): void {
    for (const one of [...this.#all]) one.cancel(reason)
  }

  timeOutOverdue(): void {
    const nowMs = performance.now()
    for (const one of this.#all.filter(({ deadlineMs }) => deadlineMs <= nowMs)) one.timeOut()
    const [first] = this.#all
    this.#timer = first && setTimeout(timeOutOverdue, checkEveryMs(first), this)
  }
}

/** A deadline is met at most so much too late: a fiftieth of it, and half a second. */
function checkEveryMs({ timeoutMs }: Cancellable): number {
  return Math.min(500, Math.ceil(timeoutMs / 50))
}

function timeOutOverdue(running: Running): void {
  running.timeOutOverdue()
}
