/**
 * What Spillway needs of a broker. The comments are the contract; one suite (test/contract) proves it for every
 * implementation. Errors that leave a port are BrokerUnavailable (E_BROKER_UNAVAILABLE, retryable) or BrokerRefused
 * (E_BROKER_REFUSED, or E_RECORD_TOO_LARGE for what a topic does not take, or E_GROUP_ACTIVE): never an error class of the client
 * library. Those of transactions may be Fenced (E_FENCED) and TransactionTooLong (E_TRANSACTION_TOO_LONG) besides.
 */
import type { EncodedHeaders } from '../message/encoded-headers.ts'
import type { HeaderSize, Headers } from '../message/headers.ts'

/** Bytes on a topic partition. */
export interface BrokerRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** May be made when they are asked for: take them by name, `{ ...record }` may lack them. */
  readonly headers: Headers
  /** What `headers` measure, where that is known without making them. */
  readonly headerSize?: HeaderSize | undefined
  /** `headers` as they lie in the log, where they are at hand so. */
  readonly encodedHeaders?: EncodedHeaders | undefined
  /** Whether there is a header with this name, where that can be told without making them. */
  readonly hasHeader?: (name: string) => boolean
  /** Whether it came in a compressed batch, where that is known. */
  readonly compressed?: boolean | undefined
  /** Present when this is no record but stands for a whole batch of them: it has the batch's last offset, no key, value or headers. */
  readonly unreadable?: UnreadableBatch
}

/**
 * A batch of the log that is corrupt, or larger inside than the connection allows. It is handed over once, as one record in its
 * place, and what comes after it as ever: neither passed over without a word nor the end of reading.
 */
export interface UnreadableBatch {
  readonly firstOffset: bigint
  /** none, gzip, snappy, lz4, zstd */
  readonly codec: string
  /** As it lies in the log. */
  readonly bytes: number
  readonly reason: string
}

export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** May be made when they are asked for, as of a BrokerRecord. */
  readonly headers: Headers
  /** The same, for whoever writes them as they are. */
  readonly encodedHeaders?: EncodedHeaders | undefined
  /** Milliseconds since 1970; the time of sending when missing. */
  readonly timestampMs?: number
  /** Its batch is to be compressed. Default: only what does not fit otherwise is. */
  readonly compressed?: boolean | undefined
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface RecordPosition extends TopicPartition {
  readonly offset: bigint
}

/** Sends single records; batches them or not as it likes. */
export interface RecordSender {
  /** Resolves once the broker has acknowledged the record on all in-sync replicas; the order of calls is kept within a partition. */
  send(record: OutgoingRecord): Promise<RecordPosition>
}

export interface BatchProducer {
  /**
   * Writes the records, all of one partition, in order and as one request. Resolves with the offset of the first when all are
   * acknowledged. Rejects when they are not known to be written: they may have landed all the same. After a rejection the next
   * call is served by a fresh producer, so that no later record is lost or doubled because of it. A single record that its topic
   * does not take as it is, is written compressed if it is small enough then; else E_RECORD_TOO_LARGE.
   */
  sendBatch(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<bigint>
  /** How many partitions the topic has, at most 5 minutes old. Rejects with BrokerRefused when there is no such topic. */
  partitionsOf(topic: string): Promise<number>
  close(): Promise<void>
}

/**
 * Writes records that readers of committed records see together or not at all. In a cluster an id has one such producer: the one
 * that has connected last. Readers stop at an open transaction, so none should be open for longer than a second; after 10 s the
 * broker aborts it.
 */
export interface TransactionalProducer {
  /**
   * Aborts what a dead producer of this id left open. One that lives is fenced: whatever it does from now on is rejected with
   * Fenced. What it had committed is there for whoever reads after this. To be called once.
   */
  connect(): Promise<void>
  /**
   * Writes records of any partitions, in order within each, in as many requests as their size asks for. The first call begins the
   * transaction. Resolves when all are acknowledged. After a rejection the transaction can only be aborted. RecordTooLarge, and
   * TransactionTooLong when it is open for more than a second: the next transaction may send less. After any other rejection the
   * producer takes nothing more, and whoever goes on connects another one.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /**
   * Resolves when it is decided that all of it will be seen. Rejects when that is not known: it may be seen, or not. The next
   * one to connect finds it decided.
   */
  commit(): Promise<void>
  /** Nothing of it will ever be seen. Rejects when the broker could not be told: then it aborts by itself. */
  abort(): Promise<void>
  close(): Promise<void>
}

/** A committed position: everything below `offset` is finished, and what `metadata` says besides. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: bigint
  readonly metadata: string
}

/** One member of a group as the assigner sees it. */
export interface GroupMember {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Member id to the partitions it is given. Pure; runs in the process that leads the group. */
export interface Assigner {
  /** Name of the protocol. Members of one group must agree on it. */
  readonly name: string
  assign(members: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]>
}

/** What a new assignment begins with. */
export interface AssignedPartition extends TopicPartition {
  /** The next offset to be read: the committed one, else the start or end of the partition as the group was told. */
  readonly position: bigint
  /** Metadata of the commit, '' when there is none. */
  readonly metadata: string
  /** At the assignment, the offset after the last record that is not of an open transaction. */
  readonly end: bigint
}

/** Why a position moved: the records behind it were deleted, or the log ends before it, as one does that was lost or made anew. */
export interface OffsetReset extends TopicPartition {
  readonly from: bigint
  readonly to: bigint
  readonly reason: 'deleted' | 'log-ends-before'
}

export interface GroupConsumerHandlers {
  /** A fresh assignment: nothing of the one before is valid any more. Records come only after it has resolved. A rejection with E_DATA_LOST ends the consumer. */
  onAssigned(partitions: readonly AssignedPartition[]): Promise<void>
  /**
   * Records of one partition, in order. The next ones are fetched when this resolves, so waiting is back-pressure, and may hold the
   * other partitions too: pause one that alone has enough. `heartbeat` keeps the membership while waiting. May be called for several partitions at once. Whatever it throws is the library's bug
   * to survive: it must not throw.
   */
  onRecords(records: readonly BrokerRecord[], heartbeat: () => Promise<void>): Promise<void>
  /**
   * The partition has been read up to `position`, which may be past the last record handed over: control and aborted records take
   * offsets too. `end` is the offset after the last record there is, as of the last fetch. Called when either has moved, and
   * after the first fetch of an assignment in any case.
   */
  onPosition(partition: TopicPartition, position: bigint, end: bigint): void
  /**
   * The position has moved by itself: what lay at `from` is gone. Found at a join it is told before onAssigned, and the assignment
   * begins with `to`. Found later, `to` may be below `from`: then records come from there, of a log that was made anew.
   * What this throws ends the consumer before it reads on: start rejects, or onCrash tells, with what was thrown.
   */
  onReset(reset: OffsetReset): void
  /** Before every join and before leaving: finish what runs and commit. Heartbeats go on meanwhile; afterwards the assignment is gone. */
  onRevoking(): Promise<void>
  /** The consumer broke down and is not coming back by itself. */
  onCrash(error: unknown): void
}

export interface GroupConsumerOptions extends GroupConsumerHandlers {
  readonly group: string
  /** Topics to subscribe to. All must exist. */
  readonly topics: readonly string[]
  /** Where to begin on these topics without a committed offset; the start on all others. The end is committed at once, so that it is taken only at the group's first start. */
  readonly startAtEnd: readonly string[]
  readonly assigner: Assigner
  /** How long a rebalance waits for onRevoking. Milliseconds. */
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
}

export interface GroupConsumer {
  /** Resolves when the group has been joined for the first time. */
  start(): Promise<void>
  /** All positions in one request: the broker applies them together. Rejects with AssignmentLost (E_ASSIGNMENT_LOST) when the group has moved on. */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  /** No more records of these until `resume`; records already handed over are not taken back. An assignment begins with nothing paused. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Runs onRevoking, leaves the group and closes. Always settles. */
  stop(): Promise<void>
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

export interface TopicState {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Settings that differ from the broker's defaults. */
  readonly config: Readonly<Record<string, string>>
  /** How large a batch it takes, whoever has set that. Missing where settings were not asked for. */
  readonly maxBatchBytes?: number
}

export interface GroupState {
  readonly group: string
  /** Kafka's names: Stable, PreparingRebalance, CompletingRebalance, Empty, Dead. */
  readonly state: string
  readonly members: number
}

export interface Admin {
  brokerCount(): Promise<number>
  /** How large a batch a topic takes that sets nothing itself; undefined where this user may not ask (DescribeConfigs on the cluster). */
  maxBatchBytes(): Promise<number | undefined>
  topicNames(): Promise<string[]>
  /** Only those that exist. With `config: false` their `config` is empty: to read it, a user needs an ACL more (DescribeConfigs). */
  topics(names: readonly string[], options?: { readonly config?: boolean }): Promise<TopicState[]>
  /** Resolves when they can be written to. A topic that exists already is left alone. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  addPartitions(topic: string, partitions: number): Promise<void>
  alterConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void>
  /** Per partition: the first offset there is and the next one to be written. */
  bounds(topic: string): Promise<PartitionBounds[]>
  /** Per partition: the first offset whose record is of this time or later (milliseconds since 1970), else the next one to be written. */
  offsetsAt(topic: string, timeMs: number): Promise<PartitionOffset[]>
  /** -1 where the group has committed nothing. */
  committed(group: string, topics: readonly string[]): Promise<CommittedOffset[]>
  /** For a group without members, all in one request; it need not exist. Rejects with GroupActive (E_GROUP_ACTIVE) when it has members, however short before: then nothing is changed. */
  commit(group: string, offsets: readonly CommittedOffset[]): Promise<void>
  /** Takes a group's commits away with it. One that does not exist is gone already. Rejects with GroupActive (E_GROUP_ACTIVE) when it has members. */
  deleteGroup(group: string): Promise<void>
  groups(names: readonly string[]): Promise<GroupState[]>
  close(): Promise<void>
}

export interface PartitionOffset {
  readonly partition: number
  readonly offset: bigint
}

export interface PartitionBounds {
  readonly partition: number
  readonly low: bigint
  readonly high: bigint
}

/** Reads partitions without joining a group. */
export interface Reader {
  /** Calls `onRecord` for each committed record with from <= offset < to, in order, and waits for its promise if it gives one. What stands for a batch that cannot be read is handed over when the batch begins before `to`. `answerBytes` are asked for at once, at most (one record or batch may be more): by default some MiB. */
  read(
    range: TopicPartition & { from: bigint; to: bigint; answerBytes?: number },
    onRecord: (record: BrokerRecord) => void | Promise<void>,
  ): Promise<void>
  close(): Promise<void>
}

/** One cluster. */
export interface Broker {
  producer(): BatchProducer
  /** `id` is the `transactional.id`. */
  transactionalProducer(id: string): TransactionalProducer
  consumer(options: GroupConsumerOptions): GroupConsumer
  admin(): Admin
  reader(): Reader
}
