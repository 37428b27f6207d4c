/**
 * Calls for one topic that came before their writers were ready, each waiting for its turn. Writers of the same topic share it: a
 * cancellation must not overtake the order before it because its schema was looked up faster.
 */
export class EarlyCalls {
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  get any(): boolean {
    return this.#waiting > 0
  }

  /** Resolves when the calls so far have been sent or refused. */
  idle(): Promise<void> {
    return this.#last
  }

  /** Calls `send` once `ready` has resolved and every call before has been sent or refused; rejects as `ready` does. */
  add<Ready, T>(ready: Promise<Ready>, send: (ready: Ready) => Promise<T>): Promise<T> {
    this.#waiting++
    // It may reject before its turn has come.
    ready.catch(() => undefined)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#last = this.#last
      .then(() => ready)
      .then(value => resolve(send(value)), reject)
      .then(() => {
        this.#waiting--
      })
    return promise
  }
}
