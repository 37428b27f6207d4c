/**
 * The handlers that run now. A Set would read better, but V8 copies the table of a Set that is added to and deleted from all the
 * time, and each old table keeps what was in it, whole attempts, until the next full collection: most of what the collector did.
 */
export interface Cancellable {
  /** Kept by Running. */
  place: number
  cancel(reason: unknown): void
}

export class Running {
  readonly #all: Cancellable[] = []

  add(one: Cancellable): void {
    one.place = this.#all.push(one) - 1
  }

  /** The last one takes its place. */
  remove(one: Cancellable): void {
    const last = this.#all.pop()!
    if (last === one) return
    this.#all[one.place] = last
    last.place = one.place
  }

  cancel(reason: unknown): void {
    for (const one of [...this.#all]) one.cancel(reason)
  }
}
