/**
 * Which entities were tried lately, and how the last try of each ended. Pure: the time is passed in, in milliseconds.
 * A window is cut into slices, each with its counts, so that it slides at the cost of a hundred additions.
 */

/** Of the entities that were tried since the first try that failed so began, as far as the window reaches. */
export interface Standing {
  /** Those whose last try failed so. */
  readonly failed: number
  /** Those whose try has ended, the failed ones included. */
  readonly ended: number
  /** Those, and those that are being tried. */
  readonly tried: number
}

interface Slice {
  readonly index: number
  /** Entities whose last try ended in this slice, and by fingerprint those whose last try failed. */
  tried: number
  readonly failed: Map<string, number>
  /** Of all failures whose tries began in this slice, whatever came of their entities since: the last slice in which one ended. */
  readonly fingerprints: Map<string, number>
  /** By fingerprint, the entities whose last try failed and had begun in this slice. */
  readonly begun: Map<string, number>
  /** Those of them that are being tried again. */
  triedAgain: number
}

interface Ended {
  readonly slice: Slice
  /** Of a failure. */
  readonly began?: Slice | undefined
  readonly fingerprint: string | undefined
}

const slicesAWindow = 100
/** Entities that are remembered, some 200 bytes each. Of more, the oldest slices are forgotten, as if the window were shorter. */
const mostEntities = 20_000

export class FailureWindow {
  readonly #sliceMs: number
  readonly #mostEntities: number
  /** Ascending. */
  readonly #slices: Slice[] = []
  /** In the order of their ends. */
  readonly #ended = new Map<string, Ended>()
  readonly #running = new Set<string>()
  /** Those that run and have no end in the window. */
  #runningFirst = 0
  #failing = 0

  constructor(windowMs: number, most = mostEntities) {
    this.#sliceMs = windowMs / slicesAWindow
    this.#mostEntities = most
  }

  began(entity: string): void {
    if (this.#running.has(entity)) return
    this.#running.add(entity)
    const before = this.#ended.get(entity)
    if (before) before.slice.triedAgain++
    else this.#runningFirst++
  }

  wentWell(entity: string, nowMs: number): void {
    const slice = this.#end(entity, nowMs)
    this.#ended.set(entity, { slice, fingerprint: undefined })
    this.#bound()
  }

  failed(entity: string, nowMs: number, fingerprint: string, beganMs: number): void {
    const slice = this.#end(entity, nowMs)
    const beganAt = this.#indexAt(beganMs)
    const began = this.#slices.find(({ index }) => index >= beganAt)
    this.#ended.set(entity, { slice, began, fingerprint })
    if (began) {
      began.fingerprints.set(fingerprint, slice.index)
      add(began.begun, fingerprint, 1)
    }
    add(slice.failed, fingerprint, 1)
    this.#failing++
    this.#bound()
  }

  /** Its try has ended in a way that tells nothing. */
  gaveUp(entity: string): void {
    if (!this.#running.delete(entity)) return
    const before = this.#ended.get(entity)
    if (before) before.slice.triedAgain--
    else this.#runningFirst--
  }

  /** Whether the last try of any entity failed within the window. */
  hasFailures(nowMs: number): boolean {
    this.#expire(nowMs)
    return this.#failing > 0
  }

  standing(fingerprint: string, nowMs: number): Standing {
    this.#expire(nowMs)
    let failed = 0
    let ended = 0
    let running = this.#runningFirst
    let hasBegun = false
    for (const slice of this.#slices) {
      failed += slice.failed.get(fingerprint) ?? 0
      hasBegun ||= slice.fingerprints.has(fingerprint)
      // What ended before the first such try began counts only if it is being tried since.
      if (hasBegun) ended += slice.tried
      else running += slice.triedAgain
    }
    return { failed, ended, tried: ended + running }
  }

  /**
   * The same of the shortest time up to now in which tries of so many entities began and failed so, and were this part of all that were
   * tried; undefined when there is none.
   */
  surge(fingerprint: string, entities: number, share: number): Standing | undefined {
    let failed = 0
    let ended = 0
    let running = this.#slices.reduce((sum, { triedAgain }) => sum + triedAgain, this.#runningFirst)
    for (const slice of this.#slices.toReversed()) {
      failed += slice.begun.get(fingerprint) ?? 0
      ended += slice.tried
      running -= slice.triedAgain
      const tried = ended + running
      if (failed >= entities && failed >= share * tried) return { failed, ended, tried }
    }
    return undefined
  }

  clear(): void {
    this.#slices.length = 0
    this.#ended.clear()
    this.#running.clear()
    this.#runningFirst = 0
    this.#failing = 0
  }

  #end(entity: string, nowMs: number): Slice {
    this.gaveUp(entity)
    this.#forget(entity)
    const slice = this.#sliceAt(nowMs)
    slice.tried++
    return slice
  }

  #bound(): void {
    while (this.#ended.size > this.#mostEntities) this.#dropOldest()
  }

  #sliceAt(nowMs: number): Slice {
    this.#expire(nowMs)
    const index = this.#indexAt(nowMs)
    const last = this.#slices.at(-1)
    // A clock that was put back counts on in the slice that there is.
    if (last && last.index >= index) return last
    const slice = {
      index,
      tried: 0,
      failed: new Map<string, number>(),
      fingerprints: new Map<string, number>(),
      begun: new Map<string, number>(),
      triedAgain: 0,
    }
    this.#slices.push(slice)
    return slice
  }

  #indexAt(nowMs: number): number {
    return Math.floor(nowMs / this.#sliceMs)
  }

  #expire(nowMs: number): void {
    const first = this.#indexAt(nowMs) - slicesAWindow
    while (this.#slices[0] && this.#slices[0].index <= first) this.#dropOldest()
  }

  #dropOldest(): void {
    const slice = this.#slices.shift()!
    this.#runningFirst += slice.triedAgain
    for (const count of slice.failed.values()) this.#failing -= count
    // Failures that began here and ended later still count: as if they had begun in what is left.
    const next = this.#slices[0]
    for (const [fingerprint, endedIn] of slice.fingerprints)
      if (next && endedIn > slice.index)
        next.fingerprints.set(fingerprint, Math.max(endedIn, next.fingerprints.get(fingerprint) ?? endedIn))
    for (const [entity, ended] of this.#ended) {
      if (ended.slice !== slice) break
      this.#ended.delete(entity)
    }
  }

  #forget(entity: string): void {
    const before = this.#ended.get(entity)
    if (!before) return
    const { slice, began, fingerprint } = before
    this.#ended.delete(entity)
    slice.tried--
    if (fingerprint === undefined) return
    this.#failing--
    add(slice.failed, fingerprint, -1)
    if (began) add(began.begun, fingerprint, -1)
  }
}

function add(counts: Map<string, number>, fingerprint: string, more: number): void {
  const count = (counts.get(fingerprint) ?? 0) + more
  if (count > 0) counts.set(fingerprint, count)
  else counts.delete(fingerprint)
}
