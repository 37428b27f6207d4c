/**
 * The coordinator of one consumer group.
 *
 * Whoever joins or leaves starts a rebalance of all: every member is revoked, which its rebalanceTimeoutMs bounds. Then a new
 * generation begins, whose partitions the assigner of the oldest member hands out. Joins and leaves that arrive meanwhile become
 * part of it.
 */
import { AssignmentLost, BrokerRefused, GroupActive } from '../../errors.ts'
import type { AssignedPartition, Assigner, CommittedOffset, GroupState, OffsetReset, TopicPartition } from '../port.ts'
import type { TopicLog } from './log.ts'

/** What the coordinator sees of a consumer. */
export interface Member {
  readonly id: string
  readonly topics: readonly string[]
  readonly startAtEnd: readonly string[]
  readonly assigner: Assigner
  /** Finish and commit, in bounded time. Does nothing without an assignment; never rejects. */
  revoke(): Promise<void>
  assigned(generation: number, partitions: readonly AssignedPartition[]): void
  reset(reset: OffsetReset): void
  crash(error: unknown): void
}

/** Kafka's default for `offset.metadata.max.bytes`; it counts characters all the same. */
const maxMetadataLength = 4096

export class Group {
  readonly name: string
  readonly #topic: (name: string) => TopicLog
  readonly #members = new Set<Member>()
  readonly #offsets = new Map<string, CommittedOffset>()
  #generation = 0
  #rebalancing = false
  /** Members or topics have changed since the partitions were handed out. */
  #outdated = false

  constructor(name: string, topic: (name: string) => TopicLog) {
    this.name = name
    this.#topic = topic
  }

  get state(): GroupState {
    const empty = this.#offsets.size === 0 ? 'Dead' : 'Empty'
    const state = this.#rebalancing ? 'PreparingRebalance' : this.#members.size === 0 ? empty : 'Stable'
    return { group: this.name, state, members: this.#members.size }
  }

  /** Throws BrokerRefused when a topic is missing or the members use another assigner. */
  join(member: Member): void {
    for (const topic of member.topics) this.#topic(topic)
    for (const { assigner } of this.#members) {
      if (assigner.name !== member.assigner.name)
        throw new BrokerRefused(`group '${this.name}' uses the assigner '${assigner.name}', not '${member.assigner.name}'`)
    }
    this.#members.add(member)
    this.#rebalance()
  }

  leave(member: Member): void {
    if (this.#members.delete(member)) this.#rebalance()
  }

  topicGrew(topic: string): void {
    if ([...this.#members].some(member => member.topics.includes(topic))) this.#rebalance()
  }

  committed(at: TopicPartition): CommittedOffset | undefined {
    return this.#offsets.get(slot(at))
  }

  /** All or none. Throws AssignmentLost when `generation` is over. */
  commit(member: Member, generation: number, offsets: readonly CommittedOffset[]): void {
    if (generation !== this.#generation || !this.#members.has(member))
      throw new AssignmentLost(`group '${this.name}' has moved on from generation ${generation}`)
    this.#store(offsets)
  }

  /** All or none. Throws GroupActive when somebody is in it. */
  commitFromOutside(offsets: readonly CommittedOffset[]): void {
    this.refuseIfActive()
    this.#store(offsets)
  }

  refuseIfActive(): void {
    if (this.#members.size > 0) throw new GroupActive(`group '${this.name}' has members`)
  }

  #store(offsets: readonly CommittedOffset[]): void {
    for (const { topic, partition, metadata } of offsets) {
      this.#topic(topic).partition(partition)
      if (metadata.length > maxMetadataLength)
        throw new BrokerRefused(
          `${topic}/${partition}: ${metadata.length} characters of metadata, of ${maxMetadataLength} at most`,
        )
    }
    for (const offset of offsets) this.#offsets.set(slot(offset), { ...offset })
  }

  #rebalance(): void {
    this.#outdated = true
    if (!this.#rebalancing) void this.#untilSettled()
  }

  async #untilSettled(): Promise<void> {
    this.#rebalancing = true
    while (this.#outdated) {
      this.#outdated = false
      await Promise.all([...this.#members].map(member => member.revoke()))
      if (!this.#outdated) this.#handOut()
    }
    this.#rebalancing = false
  }

  #handOut(): void {
    this.#generation++
    const members = [...this.#members]
    try {
      const given = this.#assign(members)
      this.#takeEnds(members)
      const positions = members.map(member => (given.get(member.id) ?? []).map(at => this.#position(at)))
      for (const [i, member] of members.entries()) for (const at of positions[i]!) this.#tellReset(member, at)
      for (const [i, member] of members.entries()) member.assigned(this.#generation, positions[i]!)
    } catch (error) {
      // An assigner that throws, or that invents a partition, would do so again at every rebalance.
      for (const member of members) member.crash(error)
    }
  }

  #assign(members: readonly Member[]): Map<string, TopicPartition[]> {
    const [leader] = members
    if (!leader) return new Map()
    const names = new Set(members.flatMap(member => member.topics))
    const counts = new Map([...names].map(name => [name, this.#topic(name).partitions.length]))
    const seen = members.map(member => ({ memberId: member.id, topics: member.topics }))
    return leader.assigner.assign(seen, counts)
  }

  /** Per topic, not per partition: one that is added later must be read from its start. */
  #takeEnds(members: readonly Member[]): void {
    const begun = new Set([...this.#offsets.values()].map(offset => offset.topic))
    for (const topic of new Set(members.flatMap(member => member.startAtEnd))) {
      if (begun.has(topic)) continue
      for (const { at, high } of this.#topic(topic).partitions) this.#offsets.set(slot(at), { ...at, offset: high, metadata: '' })
    }
  }

  #tellReset(member: Member, { topic, partition, position }: AssignedPartition): void {
    const committed = this.committed({ topic, partition })
    if (!committed || committed.offset === position) return
    try {
      member.reset({ topic, partition, from: committed.offset, to: position, reason: 'log-ends-before' })
    } catch (error) {
      member.crash(error)
    }
  }

  /** A commit past the end is of a log that is no more: then all there is. */
  #position({ topic, partition }: TopicPartition): AssignedPartition {
    const { high } = this.#topic(topic).partition(partition)
    const committed = this.committed({ topic, partition })
    if (!committed || committed.offset > high) return { topic, partition, position: 0n, metadata: '', end: high }
    return { topic, partition, position: committed.offset, metadata: committed.metadata, end: high }
  }
}

/** No topic name has a slash. */
function slot({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
