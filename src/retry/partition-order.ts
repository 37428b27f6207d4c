/** The order of the entities of one partition number: asks the index what may run, and tells it what became of it. */
import type { RecordPosition } from '../broker/port.ts'
import type { Attempted, Begun, ParkedEntity, Session, Turn, Verdict } from '../consume/admission.ts'
import type { Clock } from '../consume/clock.ts'
import type { Ladder } from '../topic/ladder.ts'
import type { Trail } from '../topic/trail.ts'
import type { CopyWatch } from './copies.ts'
import { dueOf } from './due.ts'
import { copyStateOf, identityOf } from './identity.ts'
import { type Entry, follows, type Identity, OrderIndex } from './order-index.ts'
import type { Settlement } from './settlement.ts'
import { SourceGate } from './source-gate.ts'

export interface PartitionOrderOptions {
  readonly ladder: Ladder
  readonly clock: Clock
  readonly settlement: Settlement
  readonly session: Session
  /** The topics whose partition of this number is this process's. */
  readonly topics: ReadonlySet<string>
  /** Whether that is so for all tiers there are: then nobody else writes to them. */
  readonly ownsAllTiers: () => Promise<boolean>
}

const lane: Verdict = { kind: 'lane' }
const drop = { kind: 'drop' } as const
const keep = { kind: 'keep' } as const
const run: Turn = { kind: 'run' }

export class PartitionOrder {
  readonly #options: PartitionOrderOptions
  index = new OrderIndex<Begun>()
  readonly gate = new SourceGate<Begun>()

  constructor(options: PartitionOrderOptions) {
    this.#options = options
  }

  admit(begun: Begun): Verdict {
    const { delivery } = begun
    const { record, trail } = delivery
    // The copies in a batch that cannot be read are dead letters together, and nobody may wait for them.
    if (record.unreadable) this.lost(record.topic, record.unreadable.firstOffset, record.offset + 1n)
    // One that a copy of it has overtaken is found out at its turn, which comes before the copy's.
    if (!trail) return lane
    const identity = identityOf(delivery)
    const found = this.index.fetched(identity, record, begun)
    if (found === 'early') return keep
    if (found === 'stale') return drop
    // A letter may come at any time, and what another member writes, whose source it is.
    if (found === 'unknown' && trail.redriveId === undefined && this.#options.topics.has(identity.topic)) {
      void this.#settleUnknown(identity, begun)
      return keep
    }
    return this.#place(this.index.register(identity, record, begun, copyStateOf(trail)), begun)
  }

  #place(entry: Entry<Begun>, { delivery }: Begun): Verdict {
    const due = delivery.refusal ? undefined : dueOf(delivery, this.#options.ladder, this.#options.clock.now())
    if (due?.kind !== 'wait') return this.#mayEnter(entry) ? lane : keep
    entry.state = 'waiting'
    return due
  }

  /**
   * A copy that nobody here waits for. Where all tiers and its source are this process's it was written by one that is gone, and has
   * ended or lives elsewhere. Else another member may have written it, and it would be lost.
   */
  async #settleUnknown(identity: Identity, begun: Begun): Promise<void> {
    const { session, ownsAllTiers } = this.#options
    const { record, trail } = begun.delivery
    // While the broker cannot say, it is none of this process's alone: twice is better than never.
    const isOurs = await ownsAllTiers().catch(() => false)
    if (isOurs || this.index.get(identity)) {
      this.#options.settlement.dropped(begun.delivery)
      session.finish(begun)
      return
    }
    const verdict = this.#place(this.index.register(identity, record, begun, copyStateOf(trail!)), begun)
    if (verdict.kind === 'wait') session.wait(begun, verdict.untilMs)
    else if (verdict.kind === 'lane') session.release(begun)
  }

  turn(begun: Begun): Turn {
    const { delivery } = begun
    const { ladder, clock } = this.#options
    const isSource = !delivery.trail
    if (isSource && this.index.isEmpty) {
      if (delivery.refusal) return run
      const due = dueOf(delivery, ladder, clock.now())
      return due.kind === 'hop' ? this.#delayed(identityOf(delivery), begun, due.untilMs) : run
    }
    const identity = identityOf(delivery)
    const entry = this.index.get(identity)
    if (entry ? entry.item !== begun : !isSource) return drop
    if (delivery.refusal) return run
    const due = dueOf(delivery, ladder, clock.now())
    if (due.kind === 'hop') return this.#delayed(identity, begun, due.untilMs)
    if (due.kind === 'now') return this.#inOrder(identity, begun)
    if (entry) entry.state = 'waiting'
    return due
  }

  settle(begun: Begun, attempted: Attempted): Promise<void> | undefined {
    const { settlement, session } = this.#options
    const { delivery } = begun
    const isDone = attempted.kind === 'returned'
    if (isDone && this.index.isEmpty) return settlement.settle(delivery, attempted, session)
    const identity = identityOf(delivery)
    if (!isDone) return this.#moved(identity, begun, watch => settlement.settle(delivery, attempted, session, watch)!)
    this.#ended(identity, begun)
    return settlement.settle(delivery, attempted, session)
  }

  advanced(topic: string, position: bigint): void {
    for (const { identity, item } of this.gate.advanced(topic, position)) {
      const entry = this.index.get(identity)
      if (entry?.item === item) this.#release(entry)
    }
  }

  lost(topic: string, from: bigint, to: bigint): void {
    for (const entry of this.index.away(topic, from, to)) {
      this.index.ended(entry)
      this.#reconsider(this.index.after(entry))
    }
  }

  *parked(partition: number, isBlocked: (attempt: number) => boolean): Generator<ParkedEntity> {
    for (const numbers of this.index.entities()) {
      const { topic, number: offset, timestampMs, copy, state } = numbers.first!
      // One that is redriven and runs for the first time waits for nothing.
      if (copy.hop === 0 || (copy.attempt === 0 && state === 'active')) continue
      const { attempt, firstFailedAtMs, dueAtMs, fingerprint } = copy
      const origin = { topic, partition, offset, timestampMs }
      yield { origin, attempt, firstFailedAtMs, dueAtMs, fingerprint, isBlocked: isBlocked(attempt), followers: numbers.size - 1 }
    }
  }

  #inOrder(identity: Identity, begun: Begun): Turn {
    const { session, clock } = this.#options
    const { record } = begun.delivery
    const before = this.index.before(identity)
    if (!before) return run
    const keepsMuch = session.keepsMuch(record.partition)
    if (follows(before, clock.now(), keepsMuch)) return this.#following(identity, begun, before)
    this.index.register(identity, record, begun).state = 'kept'
    // What is kept must not fill a window, or the one it waits for may never be fetched: the first of the chain moves on, and each
    // takes the next one with it.
    if (keepsMuch && before.state === 'kept') this.#reconsider(this.index.firstKeptBefore(identity))
    return keep
  }

  #delayed(identity: Identity, begun: Begun, untilMs: number): Turn {
    const { settlement, session } = this.#options
    return {
      kind: 'move',
      move: () => this.#moved(identity, begun, watch => settlement.delay(begun.delivery, untilMs, session, watch)),
    }
  }

  #following(identity: Identity, begun: Begun, { live, copy }: Entry<Begun>): Turn {
    const { settlement, session } = this.#options
    const { topic } = live
    const { dueAtMs } = copy
    return {
      kind: 'move',
      move: () => this.#moved(identity, begun, watch => settlement.follow(begun.delivery, topic, dueAtMs, session, watch)),
    }
  }

  /** What does not end copied has ended. */
  async #moved(identity: Identity, begun: Begun, work: (watch: CopyWatch) => Promise<void>): Promise<void> {
    let isCopied = false
    await work({
      producing: topic => {
        const entry = this.index.register(identity, begun.delivery.record, begun)
        entry.state = 'active'
        entry.producingTo = topic
      },
      copied: (at, trail) => {
        isCopied = true
        this.#copied(identity, begun, at, trail)
      },
    })
    if (!isCopied) this.#ended(identity, begun)
  }

  /** The old record and what else was fetched of its number are finished in the step in which the copy becomes the live one. */
  #copied(identity: Identity, begun: Begun, at: RecordPosition, trail: Trail): void {
    const { session, clock, topics } = this.#options
    const entry = this.index.get(identity)!
    if (!topics.has(at.topic)) {
      // Another member goes on with it, as in a deploy where nobody reads all topics: nobody here would hear of its end.
      session.finish(begun)
      this.#ended(identity, begun)
      return
    }
    const { item, stale } = this.index.moved(entry, { topic: at.topic, offset: at.offset }, copyStateOf(trail))
    for (const one of [begun, ...stale]) session.finish(one)
    if (item && entry.copy.dueAtMs > clock.now()) session.wait(item, entry.copy.dueAtMs)
    else if (item) this.#release(entry)
    this.#reconsider(this.index.after(entry))
  }

  #ended(identity: Identity, begun: Begun): void {
    const entry = this.index.get(identity)
    if (entry?.item !== begun) return
    for (const stale of this.index.ended(entry)) this.#options.session.finish(stale)
    this.#reconsider(this.index.after(identity))
  }

  /** One that is kept goes to its lane when it may run, or move on. */
  #reconsider(entry: Entry<Begun> | undefined): void {
    if (entry?.state !== 'kept') return
    const { session, clock } = this.#options
    const before = this.index.before(entry)
    if (!before || follows(before, clock.now(), session.keepsMuch(entry.item!.delivery.record.partition))) this.#release(entry)
  }

  #release(entry: Entry<Begun>): void {
    if (this.#mayEnter(entry)) this.#options.session.release(entry.item!)
  }

  /**
   * Smaller numbers that are only at the source must be in the lane before a copy enters it: its turn comes after theirs then, and
   * by their turn they have ended or stand in the index.
   */
  #mayEnter(entry: Entry<Begun>): boolean {
    const { trail } = entry.item!.delivery
    const isFree = !trail || trail.redriveId !== undefined || this.gate.isOpen(entry)
    entry.state = isFree ? 'active' : 'gated'
    if (!isFree) this.gate.hold(entry, entry.item!)
    return isFree
  }
}
