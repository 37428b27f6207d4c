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

import { type Clock, pause, systemClock } from '../consume/clock.ts'
import { type LetterSource, type LetterTrail, letterOf, shorterLetters } from '../dlq/letter.ts'
import { codeOf, RecordTooLarge } from '../errors.ts'
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
  /** First and longest wait before a copy that could not be written is tried again. Milliseconds. */
  readonly retryAfterMs?: number
  readonly maxRetryAfterMs?: number
}

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
    const nowMs = this.#clock.now()
    if (!trail) {
      const dueAtMs = headerNumber(record.headers, dueAtHeader) ?? 0
      return dueAtMs > nowMs ? { kind: 'forward', untilMs: dueAtMs } : { kind: 'run' }
    }
    if ((trail.dueAtMs ?? 0) > nowMs) return { kind: 'wait', untilMs: trail.dueAtMs! }
    const restMs = (trail.untilMs ?? 0) - nowMs
    if (restMs <= 0) return { kind: 'run' }
    // What is left is shorter than any tier: another hop would only make it late.
    const shortestMs = this.#ladder.tiers[0]?.delayMs ?? Number.POSITIVE_INFINITY
    return restMs < shortestMs ? { kind: 'wait', untilMs: trail.untilMs! } : { kind: 'forward', untilMs: trail.untilMs! }
  }

  async forward(delivery: Delivery, untilMs: number, session: Session): Promise<void> {
    const tier = await this.#delay(delivery, untilMs, {}, session)
    if (!tier) return
    this.#options.signals.emit('message.delayed', { ...this.#about(delivery, '', ''), tier: tier.topic, untilMs })
  }

  async settle(delivery: Delivery, attempted: Attempted, session: Session): Promise<void> {
    const outcome = classify(attempted)
    const { signals } = this.#options
    const about = this.#about(delivery, 'type' in attempted ? attempted.type : '', 'id' in attempted ? attempted.id : '')
    switch (outcome.kind) {
      case 'done':
        return signals.emit('message.done', { ...about, durationMs: attempted.kind === 'returned' ? attempted.durationMs : 0 })
      case 'skip':
        return signals.emit('message.skipped', { ...about, reason: outcome.reason, detail: outcome.detail })
      case 'dead-letter':
        return this.#bury(delivery, outcome.failure, outcome.disposition, about, session)
      case 'retry':
        return this.#escalate(delivery, outcome.failure, outcome.exhausted, about, session)
      case 'later': {
        const { at, failure } = outcome
        const untilMs = 'timeMs' in at ? at.timeMs : this.#clock.now() + at.afterMs
        const tier = await this.#delay(delivery, untilMs, { failure }, session)
        return tier && signals.emit('message.retried', { ...about, tier: tier.topic, failure })
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
    const { record, origin, attempt } = delivery
    const { dueAtMs: _due, untilMs: _until, ...kept } = this.#trail(delivery, failure)
    const trail = { ...kept, ...batchOf(record), attempt, disposition }
    const bury = (part: LetterSource, said: LetterTrail) => letterOf(part, said, this.#ladder.dlq, origin.partition)
    if (!(await this.#fits(bury(record, trail), delivery, session))) {
      const shorter = shorterLetters(record)
      const said = { ...trail, disposition: disposition === 'refused' ? disposition : ('oversize' as const) }
      for (const [i, { record: part, leftOut }] of shorter.entries()) {
        const letter = bury(part, { ...said, leftOut })
        if (i === shorter.length - 1) await this.#write(letter, delivery, session)
        else if (await this.#fits(letter, delivery, session)) break
      }
    }
    this.#options.signals.emit('message.deadLettered', { ...about, disposition, failure })
  }

  /**
   * One hop of a wait until `untilMs`. The try that asked for it, if there was one, does not count.
   * Undefined when the copy was too large for its tier, and the record is a dead letter now.
   */
  async #delay(
    delivery: Delivery,
    untilMs: number,
    { failure }: { failure?: Failure },
    session: Session,
  ): Promise<Tier | undefined> {
    const nowMs = this.#clock.now()
    const tier = tierWithin(this.#ladder, untilMs - nowMs)
    const dueAtMs = tier.delayMs === 0 ? untilMs : Math.min(nowMs + tier.delayMs, untilMs)
    const trail = { ...this.#trail(delivery, failure), attempt: delivery.attempt - 1, dueAtMs, untilMs }
    if (await this.#fits(this.#copy(delivery, tier.topic, trail), delivery, session)) return tier
    const tooLarge = failure ?? failureOf(new RecordTooLarge(`too large for ${tier.topic}`))
    await this.#bury(delivery, tooLarge, 'oversize', this.#about(delivery, '', ''), session)
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

  #copy({ record, origin }: Delivery, topic: string, trail: Trail): OutgoingRecord {
    return { topic, partition: origin.partition, key: record.key, value: record.value, headers: withTrail(record.headers, trail) }
  }

  /** False when the topic does not take a record of this size. */
  async #fits(copy: OutgoingRecord, delivery: Delivery, session: Session): Promise<boolean> {
    let fits = true
    await this.#write(copy, delivery, session, () => {
      fits = false
    })
    return fits
  }

  /** Until it is acknowledged. A copy that cannot be written holds its partition: nothing is passed over, nothing committed past it. */
  async #write(copy: OutgoingRecord, delivery: Delivery, session: Session, onTooLarge?: () => void): Promise<void> {
    const { sender, retryAfterMs = 200, maxRetryAfterMs = 10_000 } = this.#options
    for (let retryInMs = retryAfterMs; ; retryInMs = Math.min(retryInMs * 2, maxRetryAfterMs)) {
      try {
        await sender.send(copy)
        return
      } catch (error) {
        if (onTooLarge && codeOf(error) === 'E_RECORD_TOO_LARGE') return onTooLarge()
        session.block(delivery, 'produce', error, retryInMs)
        await pause(this.#clock, retryInMs, session.draining)
        session.unblock(delivery)
        session.draining.throwIfAborted()
      }
    }
  }

  #about({ origin, attempt }: Delivery, type: string, id: string): AboutMessage {
    return { group: this.#ladder.group, type, id, origin, attempt }
  }
}

/** A letter for a whole batch says up to where it reaches; its origin is where it begins. */
function batchOf({ offset, unreadable }: BrokerRecord): Pick<Trail, 'batchLastOffset' | 'batchCodec'> {
  return unreadable ? { batchLastOffset: offset, batchCodec: unreadable.codec } : {}
}
