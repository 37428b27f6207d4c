/**
 * One consumer and its membership in a group.
 *
 * Its life: start joins; the group assigns (onAssigned, then records flow); the group revokes (records stop, onRevoking, and when
 * that has ended or taken too long, the assignment is gone) and assigns again; stop revokes and leaves. An error of a handler
 * ends it: onCrash.
 */
import { AssignmentLost, BrokerRefused, BrokerUnavailable } from '../../errors.ts'
import type {
  AssignedPartition,
  Assigner,
  CommittedOffset,
  GroupConsumer,
  GroupConsumerOptions,
  OffsetReset,
  TopicPartition,
} from '../port.ts'
import type { Cluster } from './cluster.ts'
import { Feed } from './feed.ts'
import type { Group, Member } from './group.ts'
import { settlesWithin } from './settles-within.ts'

interface Assignment {
  readonly generation: number
  readonly feeds: readonly { readonly at: TopicPartition; readonly feed: Feed }[]
  /** Settles when onAssigned is through and records flow. */
  begun: Promise<void>
  revoking?: Promise<void>
}

export class MemoryConsumer implements GroupConsumer, Member {
  readonly id: string
  readonly #cluster: Cluster
  readonly #group: Group
  readonly #options: GroupConsumerOptions
  readonly #joined = Promise.withResolvers<void>()
  #started = false
  #hasJoined = false
  #assignment: Assignment | undefined
  #over = false
  #stopping: Promise<void> | undefined

  constructor(id: string, cluster: Cluster, options: GroupConsumerOptions) {
    this.id = id
    this.#cluster = cluster
    this.#group = cluster.group(options.group)
    this.#options = options
  }

  get topics(): readonly string[] {
    return this.#options.topics
  }

  get startAtEnd(): readonly string[] {
    return this.#options.startAtEnd
  }

  get assigner(): Assigner {
    return this.#options.assigner
  }

  async start(): Promise<void> {
    if (this.#started || this.#over) throw new BrokerRefused(`a consumer of group '${this.#group.name}' can be started once`)
    this.#started = true
    this.#group.join(this)
    await this.#joined.promise
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    if (!this.#assignment) throw new AssignmentLost(`this member of group '${this.#group.name}' has no assignment`)
    this.#group.commit(this, this.#assignment.generation, offsets)
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const feed of this.#feedsOf(partitions)) feed.pause()
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const feed of this.#feedsOf(partitions)) feed.resume()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  assigned(generation: number, partitions: readonly AssignedPartition[]): void {
    if (this.#over || this.#stopping) return
    const feeds = partitions.map(({ topic, partition, position }) => ({
      at: { topic, partition },
      feed: this.#feed({ topic, partition }, position),
    }))
    const assignment: Assignment = { generation, feeds, begun: Promise.resolve() }
    this.#assignment = assignment
    assignment.begun = this.#begin(assignment, partitions)
  }

  reset(reset: OffsetReset): void {
    this.#options.onReset(reset)
  }

  revoke(): Promise<void> {
    const assignment = this.#assignment
    if (!assignment) return Promise.resolve()
    assignment.revoking ??= this.#revoke(assignment)
    return assignment.revoking
  }

  crash(error: unknown): void {
    if (this.#over) return
    this.#end(error)
    // Before that, start() is still waiting, and its rejection tells.
    if (this.#hasJoined) this.#options.onCrash(error)
  }

  async #begin(assignment: Assignment, partitions: readonly AssignedPartition[]): Promise<void> {
    try {
      await this.#options.onAssigned(partitions)
      for (const { feed } of assignment.feeds) feed.begin()
      this.#hasJoined = true
      this.#joined.resolve()
    } catch (error) {
      this.crash(error)
    }
  }

  async #revoke(assignment: Assignment): Promise<void> {
    for (const { feed } of assignment.feeds) feed.end()
    await settlesWithin(this.#finish(assignment), this.#options.rebalanceTimeoutMs)
    if (this.#assignment === assignment) this.#assignment = undefined
  }

  async #finish(assignment: Assignment): Promise<void> {
    // onAssigned must have ended before onRevoking is called; by then the group may have stopped waiting.
    await assignment.begun
    if (this.#assignment !== assignment) return
    try {
      await this.#options.onRevoking()
    } catch (error) {
      this.crash(error)
    }
  }

  async #stop(): Promise<void> {
    if (this.#over) return
    await this.revoke()
    this.#end(new BrokerUnavailable(`stopped before group '${this.#group.name}' was joined`))
  }

  #end(reason: unknown): void {
    this.#over = true
    for (const { feed } of this.#assignment?.feeds ?? []) feed.end()
    this.#assignment = undefined
    this.#group.leave(this)
    // start() may never have been called, and nobody waits for it then.
    this.#joined.promise.catch(() => undefined)
    this.#joined.reject(reason)
  }

  #feed(at: TopicPartition, position: bigint): Feed {
    return new Feed(this.#cluster.topic(at.topic).partition(at.partition), position, {
      // Nobody is thrown out here for being silent, so a heartbeat has nothing to do.
      onRecords: records => this.#options.onRecords(records, async () => undefined),
      onPosition: (reached, end) => this.#options.onPosition(at, reached, end),
      onError: error => this.crash(error),
    })
  }

  #feedsOf(partitions: readonly TopicPartition[]): Feed[] {
    const feeds = this.#assignment?.feeds ?? []
    return feeds
      .filter(({ at }) => partitions.some(p => p.topic === at.topic && p.partition === at.partition))
      .map(({ feed }) => feed)
  }
}
