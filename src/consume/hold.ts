/** What an open breaker does to the lanes of one assignment: none starts, and a record that has failed waits in its own. */
import type { Attempted, Delivery } from './admission.ts'
import type { Breaker, Held } from './breaker.ts'
import { entityOf } from './delivery.ts'
import type { Lanes } from './lanes.ts'
import type { Tracked } from './partition.ts'

export interface HoldOptions {
  readonly breaker: Breaker | undefined
  readonly lanes: Lanes<Tracked>
  /** Partitions of the assignment. */
  readonly partitions: number
}

interface Waiting {
  readonly tracked: Tracked
  readonly goOn: () => void
  readonly giveUp: (reason: unknown) => void
}

/** Records whose turn ends without a try, as those that are not due yet do, that one probe passes over. */
const mostPassedOver = 100

export class Hold implements Held {
  readonly #options: HoldOptions
  readonly #breaker: Breaker | undefined
  /** Those that have waited longest, or were probed least lately, first. */
  #waiting: Waiting[] = []
  #probe: Tracked | undefined
  #closed: { readonly reason: unknown } | undefined

  constructor(options: HoldOptions) {
    this.#options = options
    this.#breaker = options.breaker
    this.#breaker?.enter(this, options.partitions)
  }

  get isOpen(): boolean {
    return this.#breaker?.isOpen ?? false
  }

  began({ delivery }: Tracked): void {
    if (this.#breaker?.isWatching) this.#breaker.began(delivery)
  }

  /** Whether what a try came to counts. Else the record is to be tried again after its `turn`. */
  allows(tracked: Tracked, attempted: Attempted, beganMs: number): boolean {
    const breaker = this.#breaker
    if (!breaker || (attempted.kind === 'returned' && !breaker.isWatching)) return true
    const isProbe = this.#probe === tracked
    if (isProbe) this.#probe = undefined
    return breaker.judge({ delivery: tracked.delivery, attempted, beganMs, isProbe }) === 'settle'
  }

  /** Its place is another's, until the breaker closes or it is the record's turn. Rejects when the assignment is given up before. */
  turn(tracked: Tracked): Promise<void> {
    const turn = new Promise<void>((goOn, giveUp) => this.#waiting.push({ tracked, goOn, giveUp }))
    if (this.#closed) this.close(this.#closed.reason)
    return this.#options.lanes.suspend(turn)
  }

  mayRun(tracked: Tracked): boolean {
    return !this.isOpen || this.#probe === tracked
  }

  /** It waits for an outage that is known: what it comes to is not known soon. */
  setAside(tracked: Tracked): void {
    if (this.#probe !== tracked) return
    this.#probe = undefined
    this.#breaker?.probeLost()
  }

  /** The end of the assignment: what waits is given up. */
  close(reason: unknown): void {
    this.#closed ??= { reason }
    this.#breaker?.leave(this)
    for (const { giveUp } of this.#waiting.splice(0)) giveUp(reason)
  }

  running(): string[] {
    return this.#options.lanes
      .current()
      .filter(({ attemptSinceMs }) => attemptSinceMs > 0)
      .map(({ delivery }) => entityOf(delivery))
  }

  endedSince(delivery: Delivery): string[] {
    return this.#options.lanes.endedSince(tracked => tracked.delivery === delivery)
  }

  hold(): void {
    this.#options.lanes.hold()
  }

  release(): void {
    for (const { goOn } of this.#waiting.splice(0)) goOn()
    this.#options.lanes.release()
  }

  /**
   * One that was not tried yet, of another entity than all that are held; where there is none, the one that was tried least lately.
   * Rather one that has never failed: the copies in the tiers are those of the entities that fail.
   */
  probe(): boolean {
    for (let passedOver = 0; passedOver < mostPassedOver; passedOver++) {
      const tracked = this.#options.lanes.startOne(({ delivery }) => delivery.trail?.failure === undefined)
      if (!tracked) break
      if (tracked.attemptSinceMs === 0) continue
      this.#probe = tracked
      return true
    }
    const longest = this.#waiting.shift()
    this.#probe = longest?.tracked
    longest?.goOn()
    return longest !== undefined
  }
}
