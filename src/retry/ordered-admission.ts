/**
 * Admission that keeps the order of each entity through retries (`order: 'key'`). What waits for a retry parks its entity: later
 * records of it wait behind, in memory or in the tier in which it waits; other entities never do.
 */
import type { AssignedPartition, BrokerRecord, Reader, TopicPartition } from '../broker/port.ts'
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
import { contains, decodeFinished } from '../consume/finished.ts'
import { copyStateOf, identityOf } from './identity.ts'
import { IndexBuilder } from './order-index.ts'
import { PartitionOrder } from './partition-order.ts'
import { Settlement, type SettlementOptions } from './settlement.ts'

export interface OrderedAdmissionOptions extends SettlementOptions {
  /** Reads what waits in the tiers when an assignment begins. */
  readonly reader: () => Reader
  readonly deliver: (record: BrokerRecord) => Delivery
  readonly isSource: (topic: string) => boolean
  /** The tiers of the group that exist, configured or not, and how many partitions each has. */
  readonly tiers: () => Promise<ReadonlyMap<string, number>>
}

export class OrderedAdmission implements Admission {
  readonly #options: OrderedAdmissionOptions
  readonly #settlement: Settlement

  constructor(options: OrderedAdmissionOptions) {
    this.#options = options
    this.#settlement = new Settlement(options)
  }

  onAssigned(assigned: readonly AssignedPartition[], session: Session): AssignedAdmission {
    return new AssignedOrder(this.#options, this.#settlement, assigned, session)
  }
}

class AssignedOrder implements AssignedAdmission {
  readonly #options: OrderedAdmissionOptions
  readonly #session: Session
  readonly #orders = new Map<number, PartitionOrder>()
  readonly #ready = new Map<number, Promise<void>>()
  #asked: { readonly atMs: number; readonly tiers: Promise<ReadonlyMap<string, number>> } | undefined

  constructor(
    options: OrderedAdmissionOptions,
    settlement: Settlement,
    assigned: readonly AssignedPartition[],
    session: Session,
  ) {
    const { ladder, clock, isSource } = options
    this.#options = options
    this.#session = session
    const filling: { order: PartitionOrder; tiers: AssignedPartition[]; number: number }[] = []
    for (const [number, logs] of Map.groupBy(assigned, ({ partition }) => partition)) {
      const topics = new Set(logs.map(({ topic }) => topic))
      const ownsAllTiers = async (): Promise<boolean> =>
        [...(await this.#tiers())].every(([topic, partitions]) => partitions <= number || topics.has(topic))
      const order = new PartitionOrder({ ladder, clock, settlement, session, topics, ownsAllTiers })
      this.#orders.set(number, order)
      for (const { topic, position, end } of logs) if (isSource(topic)) order.gate.add(topic, position, end)
      const tiers = logs.filter(({ topic, position, end }) => !isSource(topic) && position < end)
      if (tiers.length > 0) filling.push({ order, tiers, number })
    }
    if (filling.length > 0) this.#fill(filling)
  }

  ready(partition: number): Promise<void> | undefined {
    return this.#ready.get(partition)
  }

  admit(begun: Begun): Verdict {
    return this.#of(begun.delivery.record).admit(begun)
  }

  turn(begun: Begun): Turn {
    return this.#of(begun.delivery.record).turn(begun)
  }

  settle(begun: Begun, attempted: Attempted): Promise<void> | undefined {
    return this.#of(begun.delivery.record).settle(begun, attempted)
  }

  advanced(at: TopicPartition, position: bigint): void {
    this.#of(at).advanced(at.topic, position)
  }

  lost(at: TopicPartition, from: bigint, to: bigint): void {
    this.#of(at).lost(at.topic, from, to)
  }

  /** What waits in a tier may have other offsets now, or be gone: only what is read anew can tell. */
  outlives({ topic }: TopicPartition): boolean {
    return this.#options.isSource(topic)
  }

  parked(): readonly ParkedEntity[] {
    const { ladder, retry } = this.#options
    const isBlocked = (attempt: number) => retry.onExhausted === 'block' && attempt > ladder.tiers.length
    return [...this.#orders].flatMap(([number, order]) => [...order.parked(number, isBlocked)])
  }

  /** As of the last second at least: many may ask at once. */
  #tiers(): Promise<ReadonlyMap<string, number>> {
    const { clock, tiers } = this.#options
    if (!this.#asked || clock.now() - this.#asked.atMs > 1_000) this.#asked = { atMs: clock.now(), tiers: tiers() }
    return this.#asked.tiers
  }

  /** One partition number after the other, each with all of its tiers. */
  #fill(filling: readonly { order: PartitionOrder; tiers: AssignedPartition[]; number: number }[]): void {
    const reader = this.#options.reader()
    let turn: Promise<void> = Promise.resolve()
    for (const { order, tiers, number } of filling) {
      turn = turn.then(() =>
        this.#session.persist(
          tiers[0]!,
          () => 'index',
          () => this.#read(order, tiers, reader),
        ),
      )
      this.#ready.set(number, turn)
    }
    void turn.catch(() => {}).then(() => reader.close())
  }

  /** Keys and trails of all that waits, whatever would fit into memory whole. */
  async #read(order: PartitionOrder, tiers: readonly AssignedPartition[], reader: Reader): Promise<void> {
    const { deliver } = this.#options
    const { draining } = this.#session
    const index = new IndexBuilder<Begun>()
    const stale = new Map<string, bigint[]>(tiers.map(({ topic }) => [topic, []]))
    for (const { topic, partition, position, end, metadata } of tiers) {
      const finished = decodeFinished(position, metadata)
      await reader.read({ topic, partition, from: position, to: end }, record => {
        draining.throwIfAborted()
        const delivery = deliver(record)
        if (!delivery.trail || contains(finished, record.offset)) return
        const place = { topic, offset: record.offset }
        const dead = index.add(identityOf(delivery), place, copyStateOf(delivery.trail))
        // A tier that is removed is read all the same; its copies may be older than those of a tier that was read before.
        if (dead) stale.get(dead.topic)!.push(dead.offset)
      })
    }
    order.index = index.build()
    for (const { topic, partition } of tiers) this.#session.finishAhead({ topic, partition }, stale.get(topic)!)
  }

  #of({ partition }: TopicPartition): PartitionOrder {
    return this.#orders.get(partition)!
  }
}
