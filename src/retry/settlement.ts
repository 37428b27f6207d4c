/**
 * The life of a failing message:
 *  1. A handler throws. The record is copied, bytes and headers untouched, to the tier of its attempt, with a trail that says
 *     where it came from, what went wrong and when it is due. Only when the copy is acknowledged is the record finished.
 *  2. The copy is fetched, waits in memory until it is due, and runs in its entity's lane. It fails again: the next tier.
 *  3. No tier is left: the copy goes to the DLQ, or is tried again every longest delay (`onExhausted: 'block'`). What cannot be
 *     decoded and what the handler rejects goes to the DLQ at once.
 *  4. A longer wait (a delayed job, RetryLater) goes hop by hop through the longest tier that still fits, using no attempt.
 */
import type { RecordSender } from '../broker/port.ts'
import type { Attempted, Delivery, Session } from '../consume/admission.ts'
import type { Clock } from '../consume/clock.ts'
import type { RetryPolicy } from '../consume/retry-policy.ts'
import type { Origin } from '../message/envelope.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import type { Ladder } from '../topic/ladder.ts'
import { classify } from './classify.ts'
import { Copies, type CopyWatch } from './copies.ts'
import { stepAfter } from './route.ts'

export interface SettlementOptions {
  readonly ladder: Ladder
  readonly retry: RetryPolicy
  readonly sender: RecordSender
  readonly signals: Signals
  readonly clock: Clock
}

type Returned = Extract<Attempted, { readonly kind: 'returned' }>
type Unfinished = Exclude<Attempted, Returned>

/** What an attempt leads to. Of one that ends copied the watch has heard; any other has ended. */
export class Settlement {
  readonly #options: SettlementOptions
  readonly #copies: Copies

  constructor(options: SettlementOptions) {
    this.#options = options
    this.#copies = new Copies(options)
  }

  settle(delivery: Delivery, attempted: Attempted, session: Session, watch?: CopyWatch): Promise<void> | undefined {
    if (attempted.kind !== 'returned') return this.#settleFailure(delivery, attempted, session, watch)
    const { signals, ladder } = this.#options
    if (signals.hears('message.done')) signals.emit('message.done', new Done(ladder.group, delivery, attempted))
    return undefined
  }

  /** One hop of a wait that nobody failed for. */
  delay(delivery: Delivery, untilMs: number, session: Session, watch?: CopyWatch): Promise<void> {
    return this.#copies.delay(delivery, { untilMs }, this.#about(delivery), session, watch)
  }

  /** Finished without running. */
  dropped({ origin, record: { topic } }: Delivery): void {
    this.#options.signals.emit('copy.dropped', { group: this.#options.ladder.group, tier: topic, origin })
  }

  /** Moved on behind what its entity waits for. */
  follow(delivery: Delivery, topic: string, dueAtMs: number, session: Session, watch: CopyWatch): Promise<void> {
    return this.#copies.follow(delivery, { topic, dueAtMs }, this.#about(delivery), session, watch)
  }

  async #settleFailure(delivery: Delivery, attempted: Unfinished, session: Session, watch?: CopyWatch): Promise<void> {
    const { ladder, retry, clock, signals } = this.#options
    const about = this.#about(delivery, attempted)
    const outcome = classify(attempted)
    const step = stepAfter({
      attempted,
      outcome,
      delivery,
      ladder,
      retry,
      nowMs: clock.now(),
      onBadRoute: error => this.#badRoute(error),
    })
    switch (step.kind) {
      case 'done':
        return
      case 'skip':
        return signals.emit('message.skipped', { ...about, reason: step.reason, detail: step.detail })
      case 'bury':
        return this.#copies.bury(delivery, step, about, session)
      case 'retry':
        return this.#copies.retry(delivery, step, about, session, watch)
      case 'later':
        return this.#copies.delay(delivery, step, about, session, watch)
    }
  }

  #badRoute(error: unknown): void {
    this.#options.signals.emit('route.failed', { group: this.#options.ladder.group, error })
  }

  #about({ origin, attempt }: Delivery, attempted?: Unfinished): AboutMessage {
    const { type = '', id = '' } = attempted && 'type' in attempted ? attempted : {}
    return { group: this.#options.ladder.group, type, id, origin, attempt }
  }
}

/** On the way of every message: what a listener does not ask for is not made. */
class Done implements AboutMessage {
  readonly group: string
  readonly #delivery: Delivery
  readonly #returned: Returned

  constructor(group: string, delivery: Delivery, returned: Returned) {
    this.group = group
    this.#delivery = delivery
    this.#returned = returned
  }

  get type(): string {
    return this.#returned.type
  }

  get id(): string {
    return this.#returned.id
  }

  get origin(): Origin {
    return this.#delivery.origin
  }

  get attempt(): number {
    return this.#delivery.attempt
  }

  get durationMs(): number {
    return this.#returned.durationMs
  }
}
