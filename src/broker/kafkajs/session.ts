import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../../errors.ts'
import type { BrokerRecord, GroupConsumerOptions, OffsetReset, TopicPartition } from '../port.ts'
import { type Assignment, advance, type Claim, claimOf, newAssignment, noteEnd, standOf } from './assignment.ts'
import type { Client } from './client.ts'
import { earliest, latest, listOffsets } from './cluster.ts'
import { meansLostAssignment, protocolType } from './errors.ts'
import type { ConsumerGroup, FetchedBatch } from './internals.ts'
import type { GroupHook } from './join-hook.ts'
import { library } from './library.ts'
import { patientJoin } from './patient-join.ts'
import { keyOf, lossOf, seed, startingPositions } from './positions.ts'
import { toRecord } from './records.ts'
import type { Watchdog } from './watchdog.ts'

const beginAttempts = 6
const heartbeatMs = 1000
/** How long a fetch loop rests when there is nothing it may fetch. */
const restMs = 250

/** One consumer's membership, from its first join to its leaving. The port's handlers are called from here. */
export class GroupSession implements GroupHook {
  readonly joined = Promise.withResolvers<void>()
  readonly #client: Client
  readonly #options: GroupConsumerOptions
  readonly #watchdog: Watchdog
  readonly #claims = new WeakMap<FetchedBatch, Claim>()
  #assignment: Assignment | undefined
  #joining: Promise<void> | undefined
  readonly #begunOn = new Set<string>()
  #stopping = false
  /** What onReset threw: the reason of the end that follows. */
  #refusal: unknown

  constructor(client: Client, options: GroupConsumerOptions, watchdog: Watchdog) {
    this.#client = client
    this.#options = options
    this.#watchdog = watchdog
    // Nobody may be waiting any more when this rejects.
    this.joined.promise.catch(() => {})
  }

  get assignment(): Assignment | undefined {
    return this.#assignment
  }

  get refusal(): unknown {
    return this.#refusal
  }

  /** The broker has answered a fetch, perhaps with nothing new. */
  heard(): void {
    this.#watchdog.heard()
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** No assignment begins any more; the one there is is drained. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#watchdog.stop()
    await this.#drain()
  }

  /** The assignment is gone without a drain. */
  abandon(): void {
    this.#assignment?.end()
    this.#assignment = undefined
  }

  join(group: ConsumerGroup, join: () => Promise<void>): Promise<void> {
    const patient = () => patientJoin(() => this.#watchdog.joining(join), { stopping: () => this.#stopping })
    this.#joining ??= this.#rejoin(group, patient).finally(() => {
      this.#joining = undefined
    })
    return this.#joining
  }

  async fetch(_group: ConsumerGroup, fetch: () => Promise<FetchedBatch[]>): Promise<FetchedBatch[]> {
    const assignment = this.#assignment
    if (!this.#receives(assignment)) {
      await this.#rest(assignment)
      return []
    }
    const batches = await fetch()
    // Without any, there may have been nothing to ask for, or an error that kafkajs keeps to itself.
    if (batches.length > 0) this.#watchdog.heard()
    if (!this.#receives(assignment)) return []
    return batches.filter(batch => {
      if (noteEnd(assignment, batch)) this.#tellStand(assignment, batch)
      const claim = claimOf(batch, assignment)
      if (claim === undefined) return false
      // Control and aborted records only: nothing to hand over, but the position moves.
      if (batch.messages.length === 0) this.#advance(assignment, batch, claim.next)
      else this.#claims.set(batch, claim)
      return batch.messages.length > 0
    })
  }

  async leave(_group: ConsumerGroup, leave: () => Promise<void>): Promise<void> {
    await this.#drain()
    await leave()
  }

  async handle(batch: FetchedBatch, heartbeat: () => Promise<void>): Promise<void> {
    const claim = this.#claims.get(batch)
    if (claim === undefined || !this.#receives(claim.assignment)) return this.#rest(claim?.assignment)
    const { assignment, next } = claim
    const records = this.#unread(batch, assignment)
    if (records.length > 0) await this.#handOver(records, assignment, heartbeat)
    if (this.#assignment === assignment) this.#advance(assignment, batch, next)
  }

  #unread({ topic, partition, messages }: FetchedBatch, assignment: Assignment): BrokerRecord[] {
    const position = assignment.positions.get(keyOf({ topic, partition })) ?? 0n
    const records = messages.map(message => toRecord(topic, partition, message))
    return records.length > 0 && records[0]!.offset >= position ? records : records.filter(({ offset }) => offset >= position)
  }

  /** Returns when the records were taken, throws when the group is moving on, whatever the taker does meanwhile. */
  async #handOver(records: readonly BrokerRecord[], assignment: Assignment, heartbeat: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const forget = assignment.whenEnded(resolve)
    const beat = (): Promise<void> => heartbeat().catch(reject)
    // Neither skip them nor hand them over again and again: a consumer built anew begins at the commit.
    this.#options.onRecords(records, beat).then(resolve, error => reject(this.#fatal('onRecords failed', error)))
    await promise.finally(forget)
  }

  async #rejoin(group: ConsumerGroup, join: () => Promise<void>): Promise<void> {
    await this.#drain()
    if (this.#stopping) throw this.#fatal('the consumer is stopping')
    await join()
    for (let attempt = 1; ; attempt++) {
      if (this.#stopping) {
        await group.leave().catch(() => {})
        throw this.#fatal('the consumer is stopping')
      }
      try {
        await this.#begin(group)
        this.#watchdog.start()
        this.joined.resolve()
        return
      } catch (error) {
        if (this.#refusal !== undefined) {
          await group.leave().catch(() => {})
          throw error
        }
        this.#client.log('warn', 'An assignment could not begin', { group: group.groupId, attempt, error: String(error) })
        if (attempt === beginAttempts) {
          await group.leave().catch(() => {})
          throw this.#fatal('an assignment could not begin', error)
        }
        await this.#beating(group, () => pause(200 * 2 ** attempt))
        if (meansLostAssignment(error)) await join()
        else await group.cluster.refreshMetadata().catch(() => {})
      }
    }
  }

  async #begin(group: ConsumerGroup): Promise<void> {
    await this.#beating(group, async () => {
      const { positions, resets } = await startingPositions(group, this.#options.startAtEnd, this.#begunOn)
      for (const reset of resets) this.#tellReset(reset)
      seed(group, positions)
      group.subscriptionState.subscriptionStatesByTopic = {}
      const assignment = newAssignment(group, positions)
      this.#guardReset(assignment)
      this.#assignment = assignment
      try {
        await this.#options.onAssigned(positions)
        assignment.open = true
        for (const { topic } of positions) this.#begunOn.add(topic)
      } catch (error) {
        this.abandon()
        if (codeOf(error) !== 'E_DATA_LOST') throw error
        throw this.#refused(error)
      } finally {
        assignment.markBegun()
      }
    })
  }

  // When retention overtakes the position, kafkajs commits "the start" as an offset of -2 and with it wipes our metadata.
  #guardReset(assignment: Assignment): void {
    assignment.offsets.setDefaultOffset = async ({ topic, partition }) => {
      const target = { topic, partition }
      const from = assignment.positions.get(keyOf(target))
      const { cluster } = assignment.group
      const [lows, ends] = await Promise.all([
        listOffsets(cluster, [target], earliest, 1),
        listOffsets(cluster, [target], latest, 0),
      ])
      const to = lows[0]!.offset
      const reason = from === undefined ? undefined : lossOf(from, to, ends[0]!.offset)
      // In range by now, as after a move of the leader: the next fetch tells.
      if (from === undefined || reason === undefined || this.#assignment !== assignment) return
      this.#tellReset({ topic, partition, from, to, reason })
      assignment.positions.set(keyOf(target), to)
      assignment.ends.set(keyOf(target), ends[0]!.offset)
      seed(assignment.group, [{ topic, partition, position: to }])
      this.#tellStand(assignment, target)
    }
  }

  #tellReset(reset: OffsetReset): void {
    try {
      this.#options.onReset(reset)
    } catch (error) {
      throw this.#refused(error)
    }
  }

  #refused(error: unknown): Error {
    this.#refusal = error
    return this.#fatal('a loss of data was not accepted', error)
  }

  #drain(): Promise<void> {
    const assignment = this.#assignment
    if (assignment === undefined) return Promise.resolve()
    assignment.drained ??= this.#drainOf(assignment)
    return assignment.drained
  }

  async #drainOf(assignment: Assignment): Promise<void> {
    assignment.revoking = true
    const limit = new AbortController()
    const revoked = assignment.begun
      .then(() => (assignment.open ? this.#options.onRevoking() : undefined))
      .catch(error => this.#client.log('error', 'onRevoking failed', { error: String(error) }))
    // The broker gives the partitions away at the full timeout, whether we are ready or not. Later than the 0.75 that the drain of
    // the consume loop may take, so that its commit comes before this.
    const late = pause(this.#options.rebalanceTimeoutMs * 0.85, undefined, { signal: limit.signal }).catch(() => {})
    await this.#beating(assignment.group, () => Promise.race([revoked, late]))
    limit.abort()
    if (this.#assignment === assignment) this.#assignment = undefined
    assignment.end()
  }

  /** Keeps the membership while `run` takes its time. Refreshes the session even when the answer is that the group rebalances. */
  async #beating(group: ConsumerGroup, run: () => Promise<unknown>): Promise<void> {
    const beat = (): void => {
      const { groupId, memberId, generationId, coordinator } = group
      if (memberId === null) return
      coordinator.heartbeat({ groupId, memberId, groupGenerationId: generationId }).then(
        () => this.#watchdog.heard(),
        error => protocolType(error) !== undefined && this.#watchdog.heard(),
      )
    }
    const timer = setInterval(beat, Math.min(heartbeatMs, this.#options.sessionTimeoutMs / 3))
    try {
      await run()
    } finally {
      clearInterval(timer)
    }
  }

  #receives(assignment: Assignment | undefined): assignment is Assignment {
    return assignment !== undefined && assignment === this.#assignment && assignment.open && !assignment.revoking
  }

  async #rest(assignment: Assignment | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, restMs)
    const forget = assignment?.whenEnded(resolve)
    this.#joining?.then(resolve, () => resolve())
    await promise
    clearTimeout(timer)
    forget?.()
  }

  #advance(assignment: Assignment, { topic, partition }: TopicPartition, next: bigint): void {
    if (advance(assignment, { topic, partition }, next)) this.#tellStand(assignment, { topic, partition })
  }

  #tellStand(assignment: Assignment, { topic, partition }: TopicPartition): void {
    this.#options.onPosition({ topic, partition }, ...standOf(assignment, { topic, partition }))
  }

  // kafkajs retries any other error; this one ends the consumer at once, and onCrash tells.
  #fatal(message: string, cause?: unknown): Error {
    const { KafkaJSNonRetriableError } = library()
    return Object.assign(new KafkaJSNonRetriableError(message), { cause })
  }
}
