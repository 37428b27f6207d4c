/** Copies of a record: to a tier or the DLQ, bytes and headers untouched, with a trail that says what happened and when it is due. */
import { EncodedCopy } from '../broker/encoded-copy.ts'
import type { BrokerRecord, OutgoingRecord, RecordPosition, RecordSender } from '../broker/port.ts'
import type { Delivery, Session } from '../consume/admission.ts'
import type { Clock } from '../consume/clock.ts'
import { type LetterSource, type LetterTrail, letterOf, shorterLetters } from '../dlq/letter.ts'
import { codeOf, RecordTooLarge } from '../errors.ts'
import type { AboutMessage, Signals } from '../observe/signals.ts'
import { type Ladder, type Tier, tierWithin } from '../topic/ladder.ts'
import { type Disposition, type Failure, type Trail, trailed } from '../topic/trail.ts'
import { failureOf } from './failure.ts'

export interface CopiesOptions {
  readonly ladder: Ladder
  readonly sender: RecordSender
  readonly clock: Clock
  readonly signals: Signals
}

/** Hears of the copies of one record in the very step in which they happen. */
export interface CopyWatch {
  /** One is about to be written to this tier. */
  producing(topic: string): void
  /** It is acknowledged. */
  copied(at: RecordPosition, trail: Trail): void
}

export class Copies {
  readonly #options: CopiesOptions

  constructor(options: CopiesOptions) {
    this.#options = options
  }

  /** To a tier after a failed try, which counts. With `untilMs` it is the first hop of a longer wait. */
  retry(
    delivery: Delivery,
    to: { readonly failure: Failure; readonly tier: Tier; readonly untilMs?: number; readonly blocked: boolean },
    about: AboutMessage,
    session: Session,
    watch?: CopyWatch,
  ): Promise<void> {
    const { failure, tier, untilMs, blocked } = to
    const { untilMs: _, ...trail } = this.#trail(delivery, failure)
    const dueAtMs = Math.min(this.#options.clock.now() + tier.delayMs, untilMs ?? Number.POSITIVE_INFINITY)
    const copy = { ...trail, attempt: delivery.attempt, dueAtMs, ...(untilMs !== undefined && { untilMs }) }
    const tell = () => this.#options.signals.emit('message.retried', { ...about, tier: tier.topic, failure, blocked })
    return this.#toTier(delivery, { topic: tier.topic, trail: copy, tell }, about, session, watch)
  }

  /** One hop of a wait. The try that asked for it, if there was one, does not count. */
  delay(
    delivery: Delivery,
    { untilMs, failure }: { readonly untilMs: number; readonly failure?: Failure },
    about: AboutMessage,
    session: Session,
    watch?: CopyWatch,
  ): Promise<void> {
    const { ladder, clock, signals } = this.#options
    const nowMs = clock.now()
    const tier = tierWithin(ladder, untilMs - nowMs)
    const dueAtMs = Math.min(nowMs + tier.delayMs, untilMs)
    const trail = { ...this.#trail(delivery, failure), attempt: delivery.attempt - 1, dueAtMs, untilMs }
    const told = { ...about, tier: tier.topic }
    const tell = () =>
      failure
        ? signals.emit('message.retried', { ...told, failure, blocked: false })
        : signals.emit('message.delayed', { ...told, untilMs })
    return this.#toTier(delivery, { topic: tier.topic, trail, tell }, about, session, watch)
  }

  /** To where the record waits that it comes after, to be due with it. */
  follow(
    delivery: Delivery,
    { topic, dueAtMs }: { readonly topic: string; readonly dueAtMs: number },
    about: AboutMessage,
    session: Session,
    watch: CopyWatch,
  ): Promise<void> {
    const { untilMs: _, ...kept } = this.#trail(delivery, undefined)
    const trail = { ...kept, attempt: delivery.attempt - 1, dueAtMs }
    const tell = () => this.#options.signals.emit('message.followed', { ...about, tier: topic, untilMs: dueAtMs })
    return this.#toTier(delivery, { topic, trail, tell }, about, session, watch)
  }

  /** Whole when it fits; else with what fits, and the trail says what is missing. */
  async bury(
    delivery: Delivery,
    { failure, disposition }: { readonly failure: Failure; readonly disposition: Disposition },
    about: AboutMessage,
    session: Session,
  ): Promise<void> {
    const said = await this.#buried(delivery, failure, disposition, session)
    this.#options.signals.emit('message.deadLettered', { ...about, disposition: said, failure })
  }

  async #buried(delivery: Delivery, failure: Failure, disposition: Disposition, session: Session): Promise<Disposition> {
    const { ladder, sender } = this.#options
    const { record, attempt } = delivery
    const { dueAtMs: _due, untilMs: _until, ...kept } = this.#trail(delivery, failure)
    const trail = { ...kept, ...batchOf(record), attempt, disposition }
    const letter = (part: LetterSource, said: LetterTrail) => letterOf(part, said, ladder.dlq, record.partition)
    if (await this.#sent(letter(record, trail), delivery, session)) return disposition
    const said = { ...trail, disposition: disposition === 'refused' ? disposition : ('oversize' as const) }
    const shorter = shorterLetters(record).map(({ record: part, leftOut }) => letter(part, { ...said, leftOut }))
    const last = shorter.pop()!
    for (const one of shorter) if (await this.#sent(one, delivery, session)) return said.disposition
    await session.persist(
      delivery.record,
      () => 'produce',
      () => sender.send(last),
    )
    return said.disposition
  }

  /** A copy that does not fit into its tier is a dead letter instead. */
  async #toTier(
    delivery: Delivery,
    { topic, trail, tell }: { readonly topic: string; readonly trail: Trail; readonly tell: () => void },
    about: AboutMessage,
    session: Session,
    watch: CopyWatch | undefined,
  ): Promise<void> {
    watch?.producing(topic)
    const at = await this.#sent(this.#copy(delivery, topic, trail), delivery, session)
    if (at) {
      // Told before the record counts as finished: a commit may follow in the same turn.
      tell()
      watch?.copied(at, trail)
      return
    }
    const failure = trail.failure ?? failureOf(new RecordTooLarge(`too large for ${topic}`))
    await this.bury(delivery, { failure, disposition: 'oversize' }, about, session)
  }

  #trail({ origin, trail }: Delivery, failure: Failure | undefined): Trail {
    const firstFailedAtMs = trail?.firstFailedAtMs ?? (failure && this.#options.clock.now())
    return {
      attempt: 0,
      redriveCount: 0,
      ...trail,
      origin,
      group: this.#options.ladder.group,
      hop: (trail?.hop ?? 0) + 1,
      ...(firstFailedAtMs !== undefined && { firstFailedAtMs }),
      ...(failure && { failure }),
    }
  }

  /** To the partition of the record, which has the number of its origin's: a damaged trail cannot name one that does not exist. */
  #copy({ record }: Delivery, topic: string, trail: Trail): OutgoingRecord {
    const { partition } = record
    return new EncodedCopy(record, { topic, partition }, trailed(record, trail))
  }

  /**
   * Resolves with its place when it is acknowledged, with undefined when it is refused as too large for its topic. While none can
   * be written the partition waits: nothing is passed over, nothing committed past it.
   */
  async #sent(copy: OutgoingRecord, delivery: Delivery, session: Session): Promise<RecordPosition | undefined> {
    try {
      return await session.persist(
        delivery.record,
        error => (isTooLarge(error) ? undefined : 'produce'),
        () => this.#options.sender.send(copy),
      )
    } catch (error) {
      if (isTooLarge(error)) return undefined
      throw error
    }
  }
}

function isTooLarge(error: unknown): boolean {
  return codeOf(error) === 'E_RECORD_TOO_LARGE'
}

/** A letter for a whole batch says up to where it reaches; its origin is where it begins. */
function batchOf({ offset, unreadable }: BrokerRecord): Pick<Trail, 'batchLastOffset' | 'batchCodec'> {
  return unreadable ? { batchLastOffset: offset, batchCodec: unreadable.codec } : {}
}
