/**
 * The life of a failing message:
 *  1. A handler throws. The record is copied, bytes and headers untouched, to the tier of its attempt, with a trail that says
 *     where it came from, what went wrong and when it is due. Only when the copy is acknowledged is the record finished.
 *  2. The copy is fetched, waits in memory until it is due, and runs in its entity's lane. It fails again: the next tier.
 *  3. No tier is left: the copy goes to the DLQ. So does at once what cannot be decoded and what the handler rejects.
 *  4. A longer wait (a delayed job, RetryLater) goes hop by hop through the longest tier that still fits, using no attempt.
 */
import type { BrokerRecord, OutgoingRecord, RecordSender } from '../broker/port.ts'
import type { Admission, Attempted, Delivery, Session, Verdict } from '../consume/admission.ts'
import { type Clock, systemClock } from '../consume/clock.ts'
import { type LetterSource, type LetterTrail, letterOf, shorterLetters } from '../dlq/letter.ts'
import { codeOf, RecordTooLarge } from '../errors.ts'
import type { Origin } from '../message/envelope.ts'
import { headerNumber } from '../message/headers.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import { type Ladder, type Tier, tierAfter, tierWithin } from '../topic/ladder.ts'
import { type Disposition, dueAtHeader, type Failure, type Trail, withTrail } from '../topic/trail.ts'
import { classify } from './classify.ts'
import { failureOf } from './failure.ts'

export interface LadderAdmissionOptions {
  readonly ladder: Ladder
  readonly sender: RecordSender
  readonly signals: Signals
  readonly clock?: Clock
}

type Returned = Extract<Attempted, { readonly kind: 'returned' }>
type Unfinished = Exclude<Attempted, Returned>

const run: Verdict = { kind: 'run' }

export class LadderAdmission implements Admission {
  readonly #options: LadderAdmissionOptions
  readonly #ladder: Ladder
  readonly #clock: Clock

  constructor(options: LadderAdmissionOptions) {
    this.#options = options
    this.#ladder = options.ladder
    this.#clock = options.clock ?? systemClock
  }

  admit({ record, trail }: Delivery): Verdict {
    if (!trail) {
      if (record.hasHeader?.(dueAtHeader) === false) return run
      const dueAtMs = headerNumber(record.headers, dueAtHeader) ?? 0
      return dueAtMs > this.#clock.now() ? { kind: 'forward', untilMs: dueAtMs } : run
    }
    const nowMs = this.#clock.now()
    if ((trail.dueAtMs ?? 0) > nowMs) return { kind: 'wait', untilMs: trail.dueAtMs! }
    const restMs = (trail.untilMs ?? 0) - nowMs
    if (restMs <= 0) return run
    // What is left is shorter than any tier: another hop would only make it late.
    return restMs < this.#ladder.waits[0]!.delayMs
      ? { kind: 'wait', untilMs: trail.untilMs! }
      : { kind: 'forward', untilMs: trail.untilMs! }
  }

  async forward(delivery: Delivery, untilMs: number, session: Session): Promise<void> {
    const about = this.#about(delivery, '', '')
    const tier = await this.#delay(delivery, untilMs, undefined, about, session)
    if (tier) this.#options.signals.emit('message.delayed', { ...about, tier: tier.topic, untilMs })
  }

  settle(delivery: Delivery, attempted: Attempted, session: Session): Promise<void> | undefined {
    if (attempted.kind !== 'returned') return this.#settleFailure(delivery, attempted, session)
    const { signals } = this.#options
    if (signals.hears('message.done')) signals.emit('message.done', new Done(this.#ladder.group, delivery, attempted))
    return undefined
  }

  async #settleFailure(delivery: Delivery, attempted: Unfinished, session: Session): Promise<void> {
    const outcome = classify(attempted)
    const { signals } = this.#options
    const about = this.#about(delivery, 'type' in attempted ? attempted.type : '', 'id' in attempted ? attempted.id : '')
    switch (outcome.kind) {
      case 'skip':
        return signals.emit('message.skipped', { ...about, reason: outcome.reason, detail: outcome.detail })
      case 'dead-letter':
        return this.#bury(delivery, outcome.failure, outcome.disposition, about, session)
      case 'retry':
        return this.#escalate(delivery, outcome.failure, outcome.exhausted, about, session)
      case 'later': {
        const { at, failure } = outcome
        const untilMs = 'timeMs' in at ? at.timeMs : this.#clock.now() + at.afterMs
        const tier = await this.#delay(delivery, untilMs, failure, about, session)
        if (tier) signals.emit('message.retried', { ...about, tier: tier.topic, failure })
      }
    }
  }

  async #escalate(
    delivery: Delivery,
    failure: Failure,
    exhausted: Disposition,
    about: AboutMessage,
    session: Session,
  ): Promise<void> {
    const tier = tierAfter(this.#ladder, delivery.attempt)
    if (!tier) return this.#bury(delivery, failure, exhausted, about, session)
    const dueAtMs = this.#clock.now() + tier.delayMs
    const { untilMs: _, ...trail } = this.#trail(delivery, failure)
    const copy = this.#copy(delivery, tier.topic, { ...trail, attempt: delivery.attempt, dueAtMs })
    if (!(await this.#fits(copy, delivery, session))) return this.#bury(delivery, failure, 'oversize', about, session)
    this.#options.signals.emit('message.retried', { ...about, tier: tier.topic, failure })
  }

  /** Whole when it fits; else with what fits, and the trail says what is missing. */
  async #bury(
    delivery: Delivery,
    failure: Failure,
    disposition: Disposition,
    about: AboutMessage,
    session: Session,
  ): Promise<void> {
    const { record, attempt } = delivery
    const { dueAtMs: _due, untilMs: _until, ...kept } = this.#trail(delivery, failure)
    const trail = { ...kept, ...batchOf(record), attempt, disposition }
    const bury = (part: LetterSource, said: LetterTrail) => letterOf(part, said, this.#ladder.dlq, record.partition)
    if (!(await this.#fits(bury(record, trail), delivery, session))) {
      const said = { ...trail, disposition: disposition === 'refused' ? disposition : ('oversize' as const) }
      const letters = shorterLetters(record).map(({ record: part, leftOut }) => bury(part, { ...said, leftOut }))
      const last = letters.pop()!
      for (const letter of letters)
        if (await this.#fits(letter, delivery, session)) return this.#told(about, said.disposition, failure)
      await session.persist(
        delivery,
        () => 'produce',
        () => this.#options.sender.send(last),
      )
    }
    this.#told(about, disposition, failure)
  }

  #told(about: AboutMessage, disposition: Disposition, failure: Failure): void {
    this.#options.signals.emit('message.deadLettered', { ...about, disposition, failure })
  }

  /**
   * One hop of a wait until `untilMs`. The try that asked for it, if there was one, does not count.
   * Undefined when the copy was too large for its tier, and the record is a dead letter now.
   */
  async #delay(
    delivery: Delivery,
    untilMs: number,
    failure: Failure | undefined,
    about: AboutMessage,
    session: Session,
  ): Promise<Tier | undefined> {
    const nowMs = this.#clock.now()
    const tier = tierWithin(this.#ladder, untilMs - nowMs)
    const dueAtMs = Math.min(nowMs + tier.delayMs, untilMs)
    const trail = { ...this.#trail(delivery, failure), attempt: delivery.attempt - 1, dueAtMs, untilMs }
    if (await this.#fits(this.#copy(delivery, tier.topic, trail), delivery, session)) return tier
    const tooLarge = failure ?? failureOf(new RecordTooLarge(`too large for ${tier.topic}`))
    await this.#bury(delivery, tooLarge, 'oversize', about, session)
    return undefined
  }

  #trail({ origin, trail }: Delivery, failure: Failure | undefined): Trail {
    const firstFailedAtMs = trail?.firstFailedAtMs ?? (failure && this.#clock.now())
    return {
      attempt: 0,
      redriveCount: 0,
      ...trail,
      origin,
      group: this.#ladder.group,
      hop: (trail?.hop ?? 0) + 1,
      ...(firstFailedAtMs !== undefined && { firstFailedAtMs }),
      ...(failure && { failure }),
    }
  }

  /** To the partition of the record, which has the number of its origin's: a damaged trail cannot name one that does not exist. */
  #copy({ record }: Delivery, topic: string, trail: Trail): OutgoingRecord {
    const { partition, key, value, compressed } = record
    return { topic, partition, key, value, headers: withTrail(record.headers, trail), compressed }
  }

  /**
   * Resolves when the copy is acknowledged: true, or refused as too large for its topic: false. While none can be written the
   * partition waits: nothing is passed over, nothing committed past it.
   */
  async #fits(copy: OutgoingRecord, delivery: Delivery, session: Session): Promise<boolean> {
    try {
      await session.persist(
        delivery,
        error => (isTooLarge(error) ? undefined : 'produce'),
        () => this.#options.sender.send(copy),
      )
      return true
    } catch (error) {
      if (isTooLarge(error)) return false
      throw error
    }
  }

  #about({ origin, attempt }: Delivery, type: string, id: string): AboutMessage {
    return { group: this.#ladder.group, type, id, origin, attempt }
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

function isTooLarge(error: unknown): boolean {
  return codeOf(error) === 'E_RECORD_TOO_LARGE'
}

/** A letter for a whole batch says up to where it reaches; its origin is where it begins. */
function batchOf({ offset, unreadable }: BrokerRecord): Pick<Trail, 'batchLastOffset' | 'batchCodec'> {
  return unreadable ? { batchLastOffset: offset, batchCodec: unreadable.codec } : {}
}
