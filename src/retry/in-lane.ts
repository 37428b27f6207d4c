/**
 * Retries without topics, for a replay: a failing record waits in its lane, with the delays of the ladder, and is tried again there.
 * What is behind it in the lane waits too, other lanes go on. What would have become a dead letter is handed out instead.
 */
import type { BrokerRecord } from '../broker/port.ts'
import type { Admission, Attempted, Delivery, Session, Verdict } from '../consume/admission.ts'
import type { Attempt, AttemptScope } from '../consume/attempt.ts'
import { type Clock, pause, systemClock } from '../consume/clock.ts'
import { outage } from '../consume/outage.ts'
import { longestTimerMs } from '../consume/waiting.ts'
import type { Letter } from '../dlq/letter.ts'
import { headerNumber } from '../message/headers.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import { type Ladder, tierAfter } from '../topic/ladder.ts'
import { type Disposition, dueAtHeader, type Failure } from '../topic/trail.ts'
import { classify } from './classify.ts'

export interface InLaneOptions {
  /** Of the group that is replayed: its delays. */
  readonly ladder: Ladder
  /** What signals say. */
  readonly group: string
  readonly signals: Signals
  /** Keeps what is given up. The record is finished when it resolves; while it rejects, its partition waits. */
  readonly onLetter: (letter: Letter) => Promise<void>
  readonly clock?: Clock
}

/** Records. One that was retried counts as handled, skipped or failed too, once it is. */
export interface InLaneCounts {
  handled: number
  /** Tries after the first one. */
  retried: number
  /** By their handler's wish, or for want of a handler. */
  skipped: number
  failed: number
  /** Delayed jobs that are not due: the group itself will handle them. */
  notDue: number
}

interface Tries {
  attempt: number
  readonly firstFailedAtMs: number
}

/** A handler that asks for a time that has passed would else go round without end, and let nothing else run. */
const shortestWaitMs = 50

const run: Verdict = { kind: 'run' }

export class InLaneRetries implements Admission {
  readonly counts: InLaneCounts = { handled: 0, retried: 0, skipped: 0, failed: 0, notDue: 0 }
  readonly #options: InLaneOptions
  readonly #clock: Clock
  /** Of deliveries that have failed. */
  readonly #tries = new WeakMap<Delivery, Tries>()

  constructor(options: InLaneOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** The attempt that tries again by itself, as long as the ladder has a delay. It rejects when the session drains meanwhile. */
  retrying(attempt: Attempt): Attempt {
    return (delivery, scope) =>
      attempt(delivery, scope).then(first => (first.kind === 'threw' ? this.#climb(attempt, delivery, first, scope) : first))
  }

  admit({ record }: Delivery): Verdict {
    if (record.hasHeader?.(dueAtHeader) === false) return run
    if ((headerNumber(record.headers, dueAtHeader) ?? 0) <= this.#clock.now()) return run
    this.counts.notDue++
    return { kind: 'drop' }
  }

  /** Nothing is ever moved on. */
  async forward(): Promise<void> {}

  settle(delivery: Delivery, attempted: Attempted, session: Session): Promise<void> | undefined {
    const { signals } = this.#options
    if (attempted.kind !== 'returned') return this.#settleFailure(delivery, attempted, session)
    this.counts.handled++
    if (signals.hears('message.done'))
      signals.emit('message.done', { ...this.#about(delivery, attempted), durationMs: attempted.durationMs })
    return undefined
  }

  async #climb(attempt: Attempt, delivery: Delivery, first: Attempted, scope: AttemptScope): Promise<Attempted> {
    const tries: Tries = { attempt: delivery.attempt, firstFailedAtMs: this.#clock.now() }
    for (let attempted = first; ; ) {
      const again = this.#again(attempted, tries.attempt)
      if (!again || scope.isOver) return attempted
      this.#tries.set(delivery, tries)
      this.#tellRetry(delivery, attempted, again)
      await scope.suspend(this.#untilDue(again.dueAtMs, scope.draining))
      scope.draining.throwIfAborted()
      if (again.usesAttempt) tries.attempt++
      this.counts.retried++
      attempted = await attempt({ ...delivery, attempt: tries.attempt }, scope)
    }
  }

  /** Undefined: it is not tried again here. */
  #again(attempted: Attempted, attempt: number): { dueAtMs: number; usesAttempt: boolean; failure: Failure } | undefined {
    // The session waits an outage out by itself.
    if (attempted.kind !== 'threw' || outage(attempted.error) !== undefined) return undefined
    const outcome = classify(attempted)
    const nowMs = this.#clock.now()
    if (outcome.kind === 'later') {
      const askedAtMs = 'timeMs' in outcome.at ? outcome.at.timeMs : nowMs + outcome.at.afterMs
      const dueAtMs = Math.max(askedAtMs, nowMs + shortestWaitMs)
      return { dueAtMs, usesAttempt: false, failure: outcome.failure }
    }
    const tier = outcome.kind === 'retry' ? tierAfter(this.#options.ladder, attempt) : undefined
    return tier && outcome.kind === 'retry'
      ? { dueAtMs: nowMs + tier.delayMs, usesAttempt: true, failure: outcome.failure }
      : undefined
  }

  #tellRetry(delivery: Delivery, attempted: Attempted, { dueAtMs, failure }: { dueAtMs: number; failure: Failure }): void {
    const retryInMs = Math.max(0, dueAtMs - this.#clock.now())
    this.#options.signals.emit('replay.retried', { ...this.#about(delivery, attempted), retryInMs, failure })
  }

  /** Timers fire up to a millisecond early: what is due is decided by the clock. */
  async #untilDue(dueAtMs: number, draining: AbortSignal): Promise<void> {
    while (dueAtMs > this.#clock.now() && !draining.aborted)
      await pause(this.#clock, Math.min(dueAtMs - this.#clock.now(), longestTimerMs), draining)
  }

  async #settleFailure(delivery: Delivery, attempted: Attempted, session: Session): Promise<void> {
    const outcome = classify(attempted)
    if (outcome.kind === 'skip') {
      const { reason, detail } = outcome
      this.counts.skipped++
      this.#options.signals.emit('message.skipped', { ...this.#about(delivery, attempted), reason, detail })
      return
    }
    if (outcome.kind === 'done') return
    const disposition =
      outcome.kind === 'dead-letter' ? outcome.disposition : outcome.kind === 'retry' ? outcome.exhausted : 'exhausted'
    const about = this.#about(delivery, attempted)
    const letter = this.#letter(delivery, disposition, outcome.failure)
    await session.persist(
      delivery,
      () => 'produce',
      () => this.#options.onLetter(letter),
    )
    this.counts.failed++
    this.#options.signals.emit('replay.failed', { ...about, disposition, failure: outcome.failure })
  }

  /** It lies in no DLQ, so its address is where it was published. */
  #letter(delivery: Delivery, disposition: Disposition, failure: Failure): Letter {
    const { record, origin } = delivery
    const { attempt = delivery.attempt, firstFailedAtMs = this.#clock.now() } = this.#tries.get(delivery) ?? {}
    const trail = {
      origin,
      group: this.#options.ladder.group,
      attempt,
      hop: 0,
      redriveCount: 0,
      firstFailedAtMs,
      failure,
      disposition,
    }
    return { partition: record.partition, offset: record.offset, record, trail: { ...trail, ...batchOf(record) } }
  }

  #about(delivery: Delivery, attempted: Attempted): AboutMessage {
    return {
      group: this.#options.group,
      type: 'type' in attempted ? attempted.type : '',
      id: 'id' in attempted ? attempted.id : '',
      origin: delivery.origin,
      attempt: this.#tries.get(delivery)?.attempt ?? delivery.attempt,
    }
  }
}

function batchOf({ offset, unreadable }: BrokerRecord): { batchLastOffset?: bigint; batchCodec?: string } {
  return unreadable ? { batchLastOffset: offset, batchCodec: unreadable.codec } : {}
}
