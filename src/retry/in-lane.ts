/**
 * Retries without topics, for a replay: a failing record waits in its lane, with the delays of the ladder, and is tried again there.
 * What is behind it in the lane waits too, other lanes go on. What would have become a dead letter is handed out instead.
 */
import type { BrokerRecord } from '../broker/port.ts'
import type { Admission, AssignedAdmission, Attempted, Delivery, Session, Turn } from '../consume/admission.ts'
import type { Attempt, AttemptScope } from '../consume/attempt.ts'
import { type Clock, pause, systemClock } from '../consume/clock.ts'
import { outage } from '../consume/outage.ts'
import type { RetryPolicy } from '../consume/retry-policy.ts'
import { longestTimerMs } from '../consume/waiting.ts'
import type { Letter } from '../dlq/letter.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import type { Ladder } from '../topic/ladder.ts'
import type { Disposition, Failure, Trail } from '../topic/trail.ts'
import { classify } from './classify.ts'
import { dueOf } from './due.ts'
import { type Step, stepAfter } from './route.ts'

export interface InLaneOptions {
  /** Of the group that is replayed: its delays. */
  readonly ladder: Ladder
  /** Of the same. What is exhausted is given up also where it would block its entity: a replay ends. */
  readonly retry: RetryPolicy
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
  /** What the last try came to, and what that leads to: a route is asked once. */
  last?: { readonly attempted: Attempted; readonly step: Step }
}

type Returned = Extract<Attempted, { readonly kind: 'returned' }>
type Again = Extract<Step, { readonly kind: 'retry' | 'later' }>

/** A handler that asks for a time that has passed would else go round without end, and let nothing else run. */
const shortestWaitMs = 50

const run: Turn = { kind: 'run' }

export class InLaneRetries implements Admission {
  readonly counts: InLaneCounts = { handled: 0, retried: 0, skipped: 0, failed: 0, notDue: 0 }
  readonly #options: InLaneOptions
  readonly #retry: RetryPolicy
  readonly #clock: Clock
  /** Of deliveries that have failed. */
  readonly #tries = new WeakMap<Delivery, Tries>()

  constructor(options: InLaneOptions) {
    this.#options = options
    this.#retry = { ...options.retry, onExhausted: 'continue' }
    this.#clock = options.clock ?? systemClock
  }

  /** The attempt that tries again by itself, as long as the ladder has a delay. It rejects when the session drains meanwhile. */
  retrying(attempt: Attempt): Attempt {
    return (delivery, scope) =>
      attempt(delivery, scope).then(first => (first.kind === 'threw' ? this.#climb(attempt, delivery, first, scope) : first))
  }

  onAssigned(_: unknown, session: Session): AssignedAdmission {
    return {
      ready: () => undefined,
      admit: () => ({ kind: 'lane' }),
      turn: ({ delivery }) => this.#turn(delivery),
      settle: ({ delivery }, attempted) => this.#settle(delivery, attempted, session),
      advanced: () => {},
      lost: () => {},
      parked: () => [],
    }
  }

  #turn(delivery: Delivery): Turn {
    if (delivery.refusal || dueOf(delivery, this.#options.ladder, this.#clock.now()).kind === 'now') return run
    this.counts.notDue++
    return { kind: 'drop' }
  }

  #settle(delivery: Delivery, attempted: Attempted, session: Session): Promise<void> | undefined {
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
      // The session waits an outage out by itself.
      if (scope.isOver || attempted.kind !== 'threw' || outage(attempted.error) !== undefined) return attempted
      this.#tries.set(delivery, tries)
      const step = this.#stepAfter(delivery, attempted)
      if (step.kind !== 'retry' && step.kind !== 'later') return attempted
      const dueAtMs = this.#dueAtMs(step)
      this.#tellRetry(delivery, attempted, step.failure, dueAtMs)
      await scope.suspend(this.#untilDue(dueAtMs, scope.draining))
      scope.draining.throwIfAborted()
      if (step.kind === 'retry') tries.attempt++
      this.counts.retried++
      attempted = await attempt({ ...delivery, attempt: tries.attempt }, scope)
    }
  }

  #stepAfter(delivery: Delivery, attempted: Attempted): Step {
    const tries = this.#tries.get(delivery)
    if (tries?.last?.attempted === attempted) return tries.last.step
    const step = this.#decide(delivery, attempted)
    if (tries) tries.last = { attempted, step }
    return step
  }

  #decide(delivery: Delivery, attempted: Attempted): Step {
    const { ladder, signals, group } = this.#options
    const onBadRoute = (error: unknown): void => signals.emit('route.failed', { group, error })
    const outcome = classify(attempted)
    const trail = this.#trail(delivery)
    const asked = { ...delivery, trail, attempt: trail.attempt }
    return stepAfter({ outcome, delivery: asked, ladder, retry: this.#retry, nowMs: this.#clock.now(), onBadRoute })
  }

  #dueAtMs(step: Again): number {
    const nowMs = this.#clock.now()
    if (step.kind === 'retry' && step.untilMs === undefined) return nowMs + step.tier.delayMs
    return Math.max(step.untilMs!, nowMs + shortestWaitMs)
  }

  #tellRetry(delivery: Delivery, attempted: Attempted, failure: Failure, dueAtMs: number): void {
    const retryInMs = dueAtMs - this.#clock.now()
    this.#options.signals.emit('replay.retried', { ...this.#about(delivery, attempted), retryInMs, failure })
  }

  /** Timers fire up to a millisecond early: what is due is decided by the clock. */
  async #untilDue(dueAtMs: number, draining: AbortSignal): Promise<void> {
    while (dueAtMs > this.#clock.now() && !draining.aborted)
      await pause(this.#clock, Math.min(dueAtMs - this.#clock.now(), longestTimerMs), draining)
  }

  async #settleFailure(delivery: Delivery, attempted: Exclude<Attempted, Returned>, session: Session): Promise<void> {
    const about = this.#about(delivery, attempted)
    const step = this.#stepAfter(delivery, attempted)
    if (step.kind === 'skip') {
      this.counts.skipped++
      this.#options.signals.emit('message.skipped', { ...about, reason: step.reason, detail: step.detail })
      return
    }
    if (step.kind === 'done') return
    // What is left to be tried again here is an outage that was waited out in vain.
    const disposition = step.kind === 'bury' ? step.disposition : 'exhausted'
    const { failure } = step
    const letter = this.#letter(delivery, disposition, failure)
    await session.persist(
      delivery,
      () => 'produce',
      () => this.#options.onLetter(letter),
    )
    this.counts.failed++
    this.#options.signals.emit('replay.failed', { ...about, disposition, failure })
  }

  /** It lies in no DLQ, so its address is where it was published. */
  #letter(delivery: Delivery, disposition: Disposition, failure: Failure): Letter {
    const { record } = delivery
    const trail = { ...this.#trail(delivery), failure, disposition, ...batchOf(record) }
    return { partition: record.partition, offset: record.offset, record, trail }
  }

  #trail(delivery: Delivery): Trail {
    const { attempt = delivery.attempt, firstFailedAtMs = this.#clock.now() } = this.#tries.get(delivery) ?? {}
    return { origin: delivery.origin, group: this.#options.ladder.group, attempt, hop: 0, redriveCount: 0, firstFailedAtMs }
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
