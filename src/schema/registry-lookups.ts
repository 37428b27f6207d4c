/** What is remembered of look-ups: what was found for ever, what failed for a while, and of each key one at a time. */
import { codeOf } from '../errors.ts'

/** Keys come from bytes on a topic, which may be anyone's: what is remembered of those that fail is bounded. */
const mostFailed = 10_000
/**
 * So long a look-up that failed for an outage is not made again: thousands of records may wait for one schema, each of which tries by
 * its own clock.
 */
const outageMs = 1_000

export class Lookups<Key, T> {
  readonly #clock: { now(): number }
  /** How long each error is believed, by its code; others are not. */
  readonly #believedMs: ReadonlyMap<string, number>
  /** Found, or being looked for. */
  readonly #known = new Map<Key, Promise<T>>()
  readonly #failed = new Map<Key, { readonly error: unknown; readonly untilMs: number }>()

  constructor(clock: { now(): number }, unknownForMs: number) {
    this.#clock = clock
    this.#believedMs = new Map([
      ['E_REGISTRY_UNAVAILABLE', outageMs],
      ['E_UNKNOWN_SCHEMA_ID', unknownForMs],
    ])
  }

  get(key: Key, find: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const failed = this.#failed.get(key)
    if (failed !== undefined && this.#clock.now() < failed.untilMs) return Promise.reject(failed.error)
    const lookup = find()
    this.#known.set(key, lookup)
    lookup.then(
      () => this.#failed.delete(key),
      error => this.#fail(key, error),
    )
    return lookup
  }

  set(key: Key, value: T): void {
    this.#failed.delete(key)
    this.#known.set(key, Promise.resolve(value))
  }

  #fail(key: Key, error: unknown): void {
    this.#known.delete(key)
    this.#failed.delete(key)
    const believedMs = this.#believedMs.get(codeOf(error) ?? '')
    if (believedMs === undefined) return
    this.#failed.set(key, { error, untilMs: this.#clock.now() + believedMs })
    if (this.#failed.size > mostFailed) this.#failed.delete(this.#failed.keys().next().value!)
  }
}
