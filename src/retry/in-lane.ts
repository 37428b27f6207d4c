/**
 * Retries without topics, for a replay: a failing record waits in its lane, with the delays of the ladder, and is tried again there.
 * What is behind it in the lane waits too, other lanes go on. What would have become a dead letter is handed out instead.
 */
import type { BrokerRecord } from '../broker/port.ts'
import type {
  Admission,
  AssignedAdmission,
  Attempted,
  Begun,
  Delivery,
  ParkedEntity,
  Session,
  Turn,
  Verdict,
} from '../consume/admission.ts'
import { type Clock, systemClock } from '../consume/clock.ts'
import type { RetryPolicy } from '../consume/retry-policy.ts'
import type { Letter } from '../dlq/letter.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import type { Ladder } from '../topic/ladder.ts'
import type { Trail } from '../topic/trail.ts'
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

type Returned = Extract<Attempted, { readonly kind: 'returned' }>
type Again = Extract<Step, { readonly kind: 'retry' | 'later' }>

/** A handler that asks for a time that has passed would else go round without end, and let nothing else run. */
const shortestWaitMs = 50

export class InLaneRetries implements Admission {
  readonly counts: InLaneCounts = { handled: 0, retried: 0, skipped: 0, failed: 0, notDue: 0 }
  readonly #options: InLaneOptions

  constructor(options: InLaneOptions) {
    this.#options = options
  }

  onAssigned(_: unknown, session: Session): AssignedAdmission {
    return new AssignedInLane(this.#options, this.counts, session)
  }
}

const lane: Verdict = { kind: 'lane' }
const run: Turn = { kind: 'run' }
const nobody: readonly ParkedEntity[] = []

class AssignedInLane implements AssignedAdmission {
  readonly keepsPlace = true
  readonly #options: InLaneOptions
  readonly #counts: InLaneCounts
  readonly #session: Session
  readonly #retry: RetryPolicy
  readonly #clock: Clock

  constructor(options: InLaneOptions, counts: InLaneCounts, session: Session) {
    this.#options = options
    this.#counts = counts
    this.#session = session
    this.#retry = { ...options.retry, onExhausted: 'continue' }
    this.#clock = options.clock ?? systemClock
  }

  ready(): undefined {
    return undefined
  }

  admit(): Verdict {
    return lane
  }

  turn({ delivery }: Begun): Turn {
    if (delivery.refusal || dueOf(delivery, this.#options.ladder, this.#clock.now()).kind === 'now') return run
    this.#counts.notDue++
    return { kind: 'drop' }
  }

  settle(begun: Begun, attempted: Attempted): Promise<void> | undefined {
    return attempted.kind === 'returned' ? this.#done(begun, attempted) : this.#settleFailure(begun, attempted)
  }

  advanced(): void {}

  lost(): void {}

  outlives(): boolean {
    return true
  }

  parked(): readonly ParkedEntity[] {
    return nobody
  }

  #done({ delivery }: Begun, attempted: Returned): undefined {
    const { signals } = this.#options
    this.#counts.handled++
    if (signals.hears('message.done'))
      signals.emit('message.done', { ...this.#about(delivery, attempted), durationMs: attempted.durationMs })
  }

  async #settleFailure(begun: Begun, first: Attempted): Promise<void> {
    for (let attempted = first; ; ) {
      if (attempted.kind === 'returned') return this.#done(begun, attempted)
      const step = this.#stepAfter(begun.delivery, attempted)
      switch (step.kind) {
        case 'done':
          return
        case 'skip':
          return this.#skip(begun.delivery, attempted, step)
        case 'bury':
          return this.#giveUp(begun.delivery, attempted, step)
        default:
          attempted = await this.#again(begun, attempted, step)
      }
    }
  }

  #stepAfter(delivery: Delivery, attempted: Attempted): Step {
    const { ladder, signals, group } = this.#options
    const onBadRoute = (error: unknown): void => signals.emit('route.failed', { group, error })
    const outcome = classify(attempted)
    return stepAfter({ attempted, outcome, delivery, ladder, retry: this.#retry, nowMs: this.#clock.now(), onBadRoute })
  }

  async #again(begun: Begun, attempted: Attempted, step: Again): Promise<Attempted> {
    const { delivery } = begun
    const { failure } = step
    const nowMs = this.#clock.now()
    const isPlain = step.kind === 'retry' && step.untilMs === undefined
    const dueAtMs = isPlain ? nowMs + step.tier.delayMs : Math.max(step.untilMs!, nowMs + shortestWaitMs)
    this.#options.signals.emit('replay.retried', { ...this.#about(delivery, attempted), retryInMs: dueAtMs - nowMs, failure })
    const attempt = step.kind === 'retry' ? delivery.attempt + 1 : delivery.attempt
    const again = await this.#session.again(
      begun,
      { ...delivery, attempt, trail: { ...this.#trail(delivery), failure } },
      dueAtMs,
    )
    this.#counts.retried++
    return again
  }

  #skip(delivery: Delivery, attempted: Attempted, { reason, detail }: Extract<Step, { kind: 'skip' }>): void {
    this.#counts.skipped++
    this.#options.signals.emit('message.skipped', { ...this.#about(delivery, attempted), reason, detail })
  }

  /** It lies in no DLQ, so its address is where it was published. */
  async #giveUp(
    delivery: Delivery,
    attempted: Attempted,
    { failure, disposition }: Extract<Step, { kind: 'bury' }>,
  ): Promise<void> {
    const { record } = delivery
    const trail = { ...this.#trail(delivery), failure, disposition, ...batchOf(record) }
    const letter = { partition: record.partition, offset: record.offset, record, trail }
    await this.#session.persist(
      delivery.record,
      () => 'produce',
      () => this.#options.onLetter(letter),
    )
    this.#counts.failed++
    this.#options.signals.emit('replay.failed', { ...this.#about(delivery, attempted), disposition, failure })
  }

  /** What would stand in the headers of a copy. */
  #trail({ origin, attempt, trail }: Delivery): Trail {
    const firstFailedAtMs = trail?.firstFailedAtMs ?? this.#clock.now()
    return { origin, group: this.#options.ladder.group, attempt, hop: 0, redriveCount: 0, firstFailedAtMs }
  }

  #about({ origin, attempt }: Delivery, attempted: Attempted): AboutMessage {
    const { type = '', id = '' } = 'type' in attempted ? attempted : {}
    return { group: this.#options.group, type, id, origin, attempt }
  }
}

function batchOf({ offset, unreadable }: BrokerRecord): { batchLastOffset?: bigint; batchCodec?: string } {
  return unreadable ? { batchLastOffset: offset, batchCodec: unreadable.codec } : {}
}
