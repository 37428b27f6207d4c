/**
 * Of each error, what part of the messages that were tried for the first time failed with it. A ladder gathers what fails: the copies
 * that come back are those of the failures, and without this they would look like an outage when few new messages are beside them.
 */
interface Share {
  /** First tries that have ended, and those of them that failed so; what is longer ago counts less. */
  ended: number
  failed: number
  /** As of when, and of how many tries in all. */
  atMs: number
  counted: number
  isPartial: boolean
  untilMs: number
}

export interface FreshSharesOptions {
  /** So many must have ended before a share says something. */
  readonly enough: number
  /** Below it, an error is of some messages only. */
  readonly share: number
  /** An error that was not met for so long is forgotten. */
  readonly rememberMs: number
}

/** Longer than a handler may take: of tries that began together those that fail may all end last. */
const halfLifeMs = 60_000
const mostErrors = 100

export class FreshShares {
  readonly #options: FreshSharesOptions
  #ended = 0
  readonly #byFingerprint = new Map<string, Share>()

  constructor(options: FreshSharesOptions) {
    this.#options = options
  }

  wentWell(): void {
    this.#ended++
  }

  failed(fingerprint: string, nowMs: number): void {
    const counted = this.#ended++
    const fresh = { ended: 0, failed: 0, atMs: nowMs, counted, isPartial: false, untilMs: 0 }
    const share = this.#known(fingerprint, nowMs) ?? fresh
    this.#countUpTo(share, nowMs)
    share.failed++
    this.#judge(fingerprint, share)
  }

  /** Whether others went well beside those that failed so. */
  isPartial(fingerprint: string, nowMs: number): boolean {
    const share = this.#known(fingerprint, nowMs)
    if (!share) return false
    this.#countUpTo(share, nowMs)
    this.#judge(fingerprint, share)
    return share.isPartial
  }

  #known(fingerprint: string, nowMs: number): Share | undefined {
    const share = this.#byFingerprint.get(fingerprint)
    return share && share.untilMs >= nowMs ? share : undefined
  }

  #countUpTo(share: Share, nowMs: number): void {
    const left = 0.5 ** (Math.max(0, nowMs - share.atMs) / halfLifeMs)
    share.ended = share.ended * left + this.#ended - share.counted
    share.failed *= left
    share.atMs = nowMs
    share.counted = this.#ended
  }

  /** What was found out stands until enough is known again. */
  #judge(fingerprint: string, found: Share): void {
    const { enough, share, rememberMs } = this.#options
    if (found.ended >= enough) found.isPartial = found.failed < share * found.ended
    found.untilMs = found.atMs + rememberMs
    this.#byFingerprint.delete(fingerprint)
    this.#byFingerprint.set(fingerprint, found)
    if (this.#byFingerprint.size > mostErrors) this.#byFingerprint.delete(this.#byFingerprint.keys().next().value!)
  }
}
