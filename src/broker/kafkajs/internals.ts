/** What we touch inside kafkajs 2.2.4. Its own typings leave these out; the boot guard in library.ts pins the version they hold for. */
import type { EncodedHeaders } from '../../message/encoded-headers.ts'
import type { HeaderSize, Headers } from '../../message/headers.ts'

export interface ProtocolPartition {
  readonly partition: number
  readonly offset: string
  readonly metadata?: string | null
}

export interface ProtocolTopic {
  readonly topic: string
  readonly partitions: readonly ProtocolPartition[]
}

export interface PartitionMetadata {
  readonly partitionId: number
  readonly leader: number
  readonly replicas: readonly number[]
}

export interface TopicMetadata {
  readonly topic: string
  readonly partitionMetadata: readonly PartitionMetadata[]
}

export interface Membership {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
}

export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

export interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly lastStableOffset?: string
  readonly messages: readonly RawMessage[]
  readonly abortedTransactions?: readonly AbortedTransaction[] | null
}

export interface FetchRequest {
  readonly maxWaitTime: number
  readonly minBytes: number
  /** Default 10 MiB. */
  readonly maxBytes?: number
  readonly isolationLevel: 0 | 1
  readonly rackId?: string
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[]
  }[]
}

/** A connection to one node. */
export interface Node {
  metadata(topics: readonly string[]): Promise<{ readonly topicMetadata: readonly TopicMetadata[] }>
  heartbeat(member: Membership): Promise<unknown>
  offsetCommit(request: Membership & { readonly topics: readonly ProtocolTopic[] }): Promise<unknown>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number }[] }[]
  }): Promise<{ readonly responses: readonly ProtocolTopic[] }>
  /** One error a group, in the answer. */
  deleteGroups(groups: readonly string[]): Promise<{ readonly results: readonly { readonly error?: unknown }[] }>
  listOffsets(request: {
    readonly isolationLevel: 0 | 1
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{ readonly responses: readonly ProtocolTopic[] }>
  fetch(request: FetchRequest): Promise<{ readonly responses: readonly FetchedTopic[] }>
}

export interface FetchedTopic {
  readonly topicName: string
  readonly partitions: readonly FetchedPartition[]
}

/** What a fetch of our own needs of it. */
export interface FetchingNode extends Node {
  /** By key, the requests that it takes. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null
  readonly connectionPool: {
    /** Rejects with what `response.parse` throws. `requestTimeout` in milliseconds. */
    send(request: { readonly request: object; readonly response: object; readonly requestTimeout: number }): Promise<unknown>
  }
  disconnect(): Promise<void>
}

export interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Node> }
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  removeBroker(address: { readonly host: string; readonly port: number }): void
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, readonly number[]>
  findBroker(target: { readonly nodeId: string }): Promise<Node>
  findGroupCoordinator(target: { readonly groupId: string }): Promise<Node>
}

export interface OffsetManager {
  /** By topic and partition. Not copies: what is written here decides what is fetched next. */
  committedOffsets(): Record<string, Record<number, string>>
  resolvedOffsets: Record<string, Record<number, string>>
  resolveOffset(position: { readonly topic: string; readonly partition: number; readonly offset: string }): void
  setDefaultOffset(target: { readonly topic: string; readonly partition: number }): Promise<void>
}

export interface ConsumerGroup {
  readonly cluster: Cluster
  readonly groupId: string
  readonly coordinator: Node
  readonly generationId: number
  readonly memberId: string | null
  readonly offsetManager: OffsetManager
  readonly subscriptionState: {
    subscriptionStatesByTopic: Record<string, unknown>
    pause(targets: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): void
    resume(targets: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): void
  }
  assigned(): readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  joinAndSync(): Promise<void>
  fetch(nodeId: string): Promise<FetchedBatch[]>
  leave(): Promise<void>
}

export interface BatchContext {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly maxTimestamp: string
  readonly timestampType: number
  readonly lastOffsetDelta: number
  readonly producerId: string
  readonly inTransaction: boolean
  readonly isControlBatch?: boolean
  readonly magicByte?: number
  readonly partitionLeaderEpoch?: number
  readonly producerEpoch?: number
  readonly firstSequence?: number
  /** By its number; 0 for none. Ours, not kafkajs's: missing on the formats before Kafka 0.11. */
  readonly codec?: number
}

/** A batch that could not be read. It stands at its last offset. */
export interface UnreadableBatch {
  readonly firstOffset: string
  readonly codec: string
  /** As it lies in the log. */
  readonly bytes: number
  readonly reason: string
}

/** A record as our decoder leaves it (decoded-record.ts). What is optional is missing on the formats before Kafka 0.11. */
export interface RawMessage {
  readonly offset: string
  readonly offsetValue?: bigint
  readonly timestamp: string
  readonly timestampMs?: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly pairs?: Headers
  readonly headerSize?: HeaderSize
  readonly encodedHeaders?: EncodedHeaders
  readonly hasHeader?: (name: string) => boolean
  readonly headers: unknown
  readonly isControlRecord?: boolean
  readonly batchContext?: BatchContext
  /** Not a record but what stands for a batch (patch-fetched.ts). */
  readonly unreadable?: UnreadableBatch
}

export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  /** The offset after the last record there is; '-1' where the broker cannot tell. */
  readonly highWatermark: string
  /** Everything in the answer, control and aborted records and such below the fetched offset included. */
  readonly rawMessages: readonly RawMessage[]
  /** What a consumer may see. */
  readonly messages: readonly RawMessage[]
}
