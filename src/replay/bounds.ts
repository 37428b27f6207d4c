/**
 * The broker as the consumer of a replay sees it: partitions that end where their range ends. The loop behind it is the one of
 * every group; it knows nothing of ranges.
 */
import type {
  AssignedPartition,
  Broker,
  BrokerRecord,
  CommittedOffset,
  GroupConsumer,
  GroupConsumerOptions,
  OffsetReset,
  TopicPartition,
} from '../broker/port.ts'
import { DataLost } from '../errors.ts'
import type { Pace } from './pace.ts'
import { marked, type Standing, unmarked } from './side-group.ts'

export interface BoundsOptions {
  readonly standings: readonly Standing[]
  /** Of the key that `wants` looks for, '' without. */
  readonly keyDigest: string
  /** Records for which it answers false are passed over. */
  readonly wants?: (record: BrokerRecord) => boolean
  readonly pace?: Pace
  /** A commit has got through. */
  readonly onCommitted?: () => void
}

interface Bound extends Standing {
  committed: bigint
}

export class Bounds {
  readonly options: BoundsOptions
  readonly #bounds: ReadonlyMap<string, Bound>
  readonly #finished = Promise.withResolvers<void>()
  readonly #shared = Promise.withResolvers<void>()
  /** Records that were passed over for their key. */
  passedOver = 0
  /** Offsets whose records were deleted before they were read. */
  gone = 0n

  constructor(options: BoundsOptions) {
    this.options = options
    this.#bounds = new Map(options.standings.map(one => [keyOf(one), { ...one, committed: one.position }]))
    this.#tellFinished()
  }

  get size(): number {
    return this.#bounds.size
  }

  /** Resolves when every partition is committed up to the end of its range. */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  /** Resolves when the group was joined by others before this process: it has been given nothing then. */
  get shared(): Promise<void> {
    return this.#shared.promise
  }

  get isFinished(): boolean {
    return [...this.#bounds.values()].every(({ committed, to }) => committed >= to)
  }

  /** Offsets that were left when it began. */
  get total(): bigint {
    return sum(this.options.standings.map(({ position, to }) => (to > position ? to - position : 0n)))
  }

  /** How many of these are committed. */
  get done(): bigint {
    return sum([...this.#bounds.values()].map(one => smaller(one.committed, one.to) - smaller(one.position, one.to)))
  }

  of(at: TopicPartition): Standing | undefined {
    return this.#bounds.get(keyOf(at))
  }

  committed(at: TopicPartition, offset: bigint): void {
    const bound = this.#bounds.get(keyOf(at))
    if (bound) bound.committed = offset
    this.#tellFinished()
  }

  tellShared(): void {
    this.#shared.resolve()
  }

  /** `broker` with consumers that see nothing beyond. */
  within(broker: Broker): Broker {
    return {
      producer: () => broker.producer(),
      transactionalProducer: id => broker.transactionalProducer(id),
      admin: () => broker.admin(),
      reader: () => broker.reader(),
      consumer: options => new BoundedConsumer(broker, options, this),
    }
  }

  #tellFinished(): void {
    if (this.isFinished) this.#finished.resolve()
  }
}

class BoundedConsumer implements GroupConsumer {
  readonly #inner: GroupConsumer
  readonly #options: GroupConsumerOptions
  readonly #bounds: Bounds
  /** Aborted when the assignment is given up. */
  #assignment = new AbortController()
  #hasBegun = false
  /** Nothing more is to be fetched of these. */
  readonly #ended = new Set<string>()

  constructor(broker: Broker, options: GroupConsumerOptions, bounds: Bounds) {
    this.#options = options
    this.#bounds = bounds
    this.#inner = broker.consumer({
      ...options,
      onAssigned: partitions => this.#onAssigned(partitions),
      onRecords: (records, heartbeat) => this.#onRecords(records, heartbeat),
      onPosition: (at, position, end) => this.#onPosition(at, position, end),
      onReset: reset => this.#onReset(reset),
      onRevoking: () => this.#onRevoking(),
    })
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const { keyDigest, onCommitted } = this.#bounds.options
    const withRange = (one: CommittedOffset) => ({
      ...one,
      metadata: marked(one.metadata, this.#bounds.of(one)!, keyDigest),
    })
    await this.#inner.commit(offsets.map(withRange))
    for (const at of offsets) this.#bounds.committed(at, at.offset)
    onCommitted?.()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#inner.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#inner.resume(partitions.filter(at => !this.#ended.has(keyOf(at))))
  }

  stop(): Promise<void> {
    return this.#inner.stop()
  }

  async #onAssigned(partitions: readonly AssignedPartition[]): Promise<void> {
    const within = partitions.filter(at => this.#bounds.of(at))
    const isWhole = within.length === this.#bounds.size
    // Whoever was here before goes on as soon as this one has left.
    const isIntruder = !isWhole && !this.#hasBegun
    if (isIntruder) this.#bounds.tellShared()
    else this.#hasBegun = true
    this.#assignment = new AbortController()
    this.#ended.clear()
    const given = isIntruder ? [] : within
    await this.#options.onAssigned(given.map(one => this.#within(one)))
    for (const at of partitions) {
      const bound = given.includes(at) ? this.#bounds.of(at) : undefined
      if (!bound || at.position >= bound.to) this.#end(at)
      if (bound && at.position >= bound.to) this.#bounds.committed(at, at.position)
    }
  }

  #within(assigned: AssignedPartition): AssignedPartition {
    const { to } = this.#bounds.of(assigned)!
    return { ...assigned, end: smaller(assigned.end, to), metadata: unmarked(assigned.metadata) }
  }

  async #onRecords(records: readonly BrokerRecord[], heartbeat: () => Promise<void>): Promise<void> {
    const { signal } = this.#assignment
    const { pace } = this.#bounds.options
    let rest = this.#wanted(records)
    while (rest.length > 0) {
      const count = pace ? await pace.take(rest.length, signal, heartbeat) : rest.length
      // Meanwhile another process may have them.
      if (count === 0 || signal.aborted) return
      await this.#options.onRecords(count === rest.length ? rest : rest.slice(0, count), heartbeat)
      rest = count === rest.length ? [] : rest.slice(count)
    }
  }

  /** The same list when nothing is to be left out, as nearly always. */
  #wanted(records: readonly BrokerRecord[]): readonly BrokerRecord[] {
    const [first] = records
    const bound = first && this.#bounds.of(first)
    if (!bound) return []
    const { wants } = this.#bounds.options
    const within = records.at(-1)!.offset < bound.to ? records : records.filter(record => firstOffset(record) < bound.to)
    if (!wants) return within
    // What stands for a batch that cannot be read may stand for wanted ones.
    const wanted = within.filter(record => record.unreadable || wants(record))
    this.#bounds.passedOver += within.length - wanted.length
    return wanted
  }

  #onPosition(at: TopicPartition, position: bigint, end: bigint): void {
    const bound = this.#bounds.of(at)
    if (!bound) return
    if (position >= bound.to) this.#end(at)
    this.#options.onPosition(at, smaller(position, bound.to), smaller(end, bound.to))
  }

  #onReset(reset: OffsetReset): void {
    const bound = this.#bounds.of(reset)
    if (!bound) return
    const { topic, partition, from, to, reason } = reset
    if (reason === 'log-ends-before')
      throw new DataLost(
        `${topic}[${partition}] was to be replayed from ${from} to ${bound.to}, but ends before that: it is not the log that the range is of`,
      )
    this.#bounds.gone += smaller(to, bound.to) - smaller(from, bound.to)
    this.#options.onReset(reset)
  }

  #onRevoking(): Promise<void> {
    this.#assignment.abort()
    return this.#options.onRevoking()
  }

  #end(at: TopicPartition): void {
    this.#ended.add(keyOf(at))
    this.#inner.pause([at])
  }
}

function firstOffset({ offset, unreadable }: BrokerRecord): bigint {
  return unreadable?.firstOffset ?? offset
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
