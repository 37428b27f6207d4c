/**
 * Tells an outage of what handlers need from poison, one for each group and process. When, within the window, many entities failed with one
 * error and they are a good part of all that were tried, it opens: nothing starts any more, what fails stays where it is, and
 * now and then one record is tried, until one of them is answered otherwise.
 *
 * Only what a handler threw unforeseen counts. While nothing fails it costs a look at a field a message: which entities are tried
 * is followed from the first such failure until there was none for a window.
 */
import type { Signals } from '../observe/signals.ts'
import type { Failure } from '../topic/trail.ts'
import type { Attempted, Delivery } from './admission.ts'
import type { BreakerSettings } from './breaker-settings.ts'
import type { Clock } from './clock.ts'
import { entityOf } from './delivery.ts'
import { FailureWindow } from './failure-window.ts'
import { FreshShares } from './fresh-shares.ts'

/** The assignment whose records a breaker holds. */
export interface Held {
  /** The entities that are being tried. */
  running(): Iterable<string>
  /** Those of which a try has begun and ended since the try of this one began, as far as that is known still. */
  endedSince(delivery: Delivery): Iterable<string>
  /** Nothing starts until `release`. */
  hold(): void
  release(): void
  /** Tries one record; false when there is none. What becomes of it is told by `judge` or `probeLost`. */
  probe(): boolean
}

/** One try of a handler that has ended. */
export interface Try {
  readonly delivery: Delivery
  readonly attempted: Attempted
  /** Milliseconds since 1970. */
  readonly beganMs: number
  readonly isProbe: boolean
}

/** `hold`: the record stays where it is and is tried again when it is told to. */
export type Judgement = 'settle' | 'hold'

export interface BreakerOptions {
  readonly group: string
  readonly settings: BreakerSettings
  /** What is to be counted of a try; undefined: nothing. */
  readonly unexpected: (attempted: Attempted, attempt: number) => Failure | undefined
  /** How long after a failure its last copy may come back. */
  readonly copiesReturnMs: number
  readonly signals: Signals
  readonly clock: Clock
}

interface Opened {
  readonly failure: Failure
  readonly sinceMs: number
}

export class Breaker {
  readonly #options: BreakerOptions
  readonly #window: FailureWindow
  readonly #shares: FreshShares
  #isWatching = false
  #opened: Opened | undefined
  #held: Held | undefined
  #probeTimer: unknown
  #probedAtMs = 0

  constructor(options: BreakerOptions) {
    const { settings, copiesReturnMs } = options
    this.#options = options
    this.#window = new FailureWindow(settings.windowMs)
    const rememberMs = settings.windowMs + copiesReturnMs
    this.#shares = new FreshShares({ enough: settings.entities, share: settings.share, rememberMs })
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  /** Tries that go well are to be told as well. */
  get isWatching(): boolean {
    return this.#isWatching || this.isOpen
  }

  /** A fresh assignment. What was open stays so: a rebalance ends no outage. With no partitions there is nothing to find that out by. */
  enter(held: Held, partitions: number): void {
    this.#held = held
    this.#unwatch()
    if (partitions === 0) this.#close('unassigned')
    if (!this.#opened) return
    held.hold()
    this.#armProbe()
  }

  leave(held: Held): void {
    if (this.#held !== held) return
    this.#held = undefined
    this.#disarmProbe()
  }

  /** Needed only while it watches. */
  began(delivery: Delivery): void {
    if (this.#isWatching) this.#window.began(entityOf(delivery))
  }

  /** Of each try that did not return, and of all while it watches. */
  judge(ended: Try): Judgement {
    const failure = this.#options.unexpected(ended.attempted, ended.delivery.attempt)
    if (this.#opened && ended.isProbe) return this.#judgeProbe(ended, failure, this.#opened)
    if (this.#opened) return failure ? 'hold' : 'settle'
    return failure ? this.#count(ended, failure) : this.#pass(ended)
  }

  /** A probe will not be answered soon. */
  probeLost(): void {
    if (this.#opened) this.#armProbe()
  }

  #pass({ delivery, attempted }: Try): Judgement {
    if (!this.#isWatching) return 'settle'
    const nowMs = this.#options.clock.now()
    const entity = entityOf(delivery)
    if (reachedHandler(attempted)) {
      this.#window.wentWell(entity, nowMs)
      if (!delivery.trail?.failure) this.#shares.wentWell()
    } else this.#window.gaveUp(entity)
    if (!this.#window.hasFailures(nowMs)) this.#unwatch()
    return 'settle'
  }

  #count({ delivery, beganMs }: Try, failure: Failure): Judgement {
    const { clock, settings } = this.#options
    const nowMs = clock.now()
    const { fingerprint } = failure
    const entity = entityOf(delivery)
    const isRepeated = delivery.trail?.failure?.fingerprint === fingerprint
    if (isRepeated && this.#shares.isPartial(fingerprint, nowMs)) {
      this.#window.gaveUp(entity)
      return 'settle'
    }
    if (!isRepeated) this.#shares.failed(fingerprint, nowMs)
    this.#watch(delivery)
    this.#window.failed(entity, nowMs, fingerprint, beganMs)
    const { failed, tried } = this.#window.standing(fingerprint, nowMs)
    if (failed < settings.entities || failed < settings.share * tried) return 'settle'
    this.#open(failure, failed, tried)
    return 'hold'
  }

  #open(failure: Failure, failed: number, tried: number): void {
    const { group, settings, signals, clock } = this.#options
    this.#opened = { failure, sinceMs: clock.now() }
    this.#probedAtMs = clock.now()
    this.#unwatch()
    this.#held?.hold()
    this.#armProbe()
    signals.emit('breaker.opened', { group, failure, failed, tried, windowMs: settings.windowMs })
  }

  #judgeProbe(ended: Try, failure: Failure | undefined, opened: Opened): Judgement {
    const { delivery, attempted } = ended
    if (failure?.fingerprint === opened.failure.fingerprint) {
      const { group, signals } = this.#options
      signals.emit('breaker.probed', { group, origin: delivery.origin, failure, openForMs: this.#openForMs(opened) })
      this.#armProbe()
      return 'hold'
    }
    if (!reachedHandler(attempted)) {
      this.#armProbe(0)
      return 'settle'
    }
    this.#close(attempted.kind === 'returned' ? 'success' : 'other-error')
    return failure ? this.#count(ended, failure) : 'settle'
  }

  #close(reason: 'success' | 'other-error' | 'unassigned'): void {
    const opened = this.#opened
    if (!opened) return
    const { group, signals } = this.#options
    this.#opened = undefined
    this.#disarmProbe()
    const { fingerprint } = opened.failure
    signals.emit('breaker.closed', { group, fingerprint, reason, openForMs: this.#openForMs(opened) })
    this.#held?.release()
  }

  #openForMs({ sinceMs }: Opened): number {
    return this.#options.clock.now() - sinceMs
  }

  #armProbe(inMs = this.#probedAtMs + this.#options.settings.probeEveryMs - this.#options.clock.now()): void {
    this.#disarmProbe()
    if (this.#held) this.#probeTimer = this.#options.clock.setTimer(() => this.#probe(), Math.max(0, inMs))
  }

  #disarmProbe(): void {
    this.#options.clock.clearTimer(this.#probeTimer)
    this.#probeTimer = undefined
  }

  #probe(): void {
    this.#probedAtMs = this.#options.clock.now()
    if (!this.#held?.probe()) this.#armProbe()
  }

  /** From the failure of this one on: what else has been tried since its try began, and is being tried, counts from the start. */
  #watch(failed: Delivery): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const nowMs = this.#options.clock.now()
    for (const entity of this.#held?.endedSince(failed) ?? []) {
      this.#window.wentWell(entity, nowMs)
      this.#shares.wentWell()
    }
    for (const entity of this.#held?.running() ?? []) this.#window.began(entity)
  }

  #unwatch(): void {
    this.#isWatching = false
    this.#window.clear()
  }
}

/** Else it tells nothing of what handlers need. */
function reachedHandler(attempted: Attempted): boolean {
  return attempted.kind === 'returned' || (attempted.kind === 'threw' && attempted.type !== '')
}
