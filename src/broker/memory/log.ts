/** Topics as they lie in memory: partitions, each a list of records whose index is the offset. Nothing is ever deleted. */
import { gzipSync } from 'node:zlib'
import { BrokerRefused, RecordTooLarge } from '../../errors.ts'
import type { BrokerRecord, OutgoingRecord, TopicPartition } from '../port.ts'
import { batchOverheadBytes } from '../record-size.ts'

/** Kafka's default for `max.message.bytes`: how large a batch may be. */
export const defaultMaxMessageBytes = 1_048_588
/** What Kafka's format adds at most to a record: lengths and deltas. */
const recordOverheadBytes = 21

export class TopicLog {
  readonly name: string
  readonly partitions: PartitionLog[] = []
  config: Readonly<Record<string, string>>

  constructor(name: string, partitions: number, config: Readonly<Record<string, string>>) {
    this.name = name
    this.config = { ...config }
    this.grow(partitions)
  }

  get maxBatchBytes(): number {
    return Number(this.config['max.message.bytes'] ?? defaultMaxMessageBytes)
  }

  grow(partitions: number): void {
    while (this.partitions.length < partitions)
      this.partitions.push(new PartitionLog({ topic: this.name, partition: this.partitions.length }))
  }

  /** Throws BrokerRefused when the topic has no such partition. */
  partition(partition: number): PartitionLog {
    const log = this.partitions[partition]
    if (!log) throw new BrokerRefused(`topic '${this.name}' has no partition ${partition}: it has ${this.partitions.length}`)
    return log
  }

  /** The offset of the first. Throws as `check` does. */
  append(partition: number, records: readonly OutgoingRecord[], nowMs: number): bigint {
    this.check(partition, records)
    return this.partition(partition).append(records, nowMs)
  }

  /**
   * Throws BrokerRefused when there is no such partition, RecordTooLarge when the records together exceed `max.message.bytes`: one
   * request is one batch. One alone may be compressed.
   */
  check(partition: number, records: readonly OutgoingRecord[]): void {
    this.partition(partition)
    const limit = this.maxBatchBytes
    const size = batchOverheadBytes + records.reduce((sum, record) => sum + recordBytes(record), 0)
    if (size > limit && !(records.length === 1 && compressedBytes(records[0]!) <= limit))
      throw new RecordTooLarge(`topic '${this.name}' takes ${limit} bytes at once (max.message.bytes), not ${size}`)
  }
}

export class PartitionLog {
  readonly at: TopicPartition
  readonly #records: BrokerRecord[] = []
  readonly #listeners = new Set<() => void>()

  constructor(at: TopicPartition) {
    this.at = at
  }

  /** The next offset to be written. */
  get high(): bigint {
    return BigInt(this.#records.length)
  }

  append(records: readonly OutgoingRecord[], nowMs: number): bigint {
    const first = this.high
    for (const record of records) this.#records.push(stored(record, this.at, this.high, nowMs))
    for (const listener of this.#listeners) listener()
    return first
  }

  offsetAt(timeMs: number): bigint {
    return this.#records.find(({ timestampMs }) => timestampMs >= timeMs)?.offset ?? this.high
  }

  /** At most `limit` records with from <= offset. */
  read(from: bigint, limit: number): readonly BrokerRecord[] {
    return this.#records.slice(Number(from), Number(from) + limit)
  }

  /** Calls `listener` after every append, until the function it returns is called. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** A copy: who sends a record may go on using its buffers. */
function stored(record: OutgoingRecord, at: TopicPartition, offset: bigint, nowMs: number): BrokerRecord {
  return {
    ...at,
    offset,
    timestampMs: record.timestampMs ?? nowMs,
    key: copied(record.key),
    value: copied(record.value),
    headers: record.headers.map(([name, value]) => [name, copied(value)] as const),
  }
}

function copied(bytes: Buffer | null): Buffer | null {
  return bytes && Buffer.from(bytes)
}

function recordBytes(record: OutgoingRecord): number {
  const headers = record.headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + (value?.length ?? 0) + 2, 0)
  return recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0) + headers
}

/** Only asked of a record that is too large as it is. */
function compressedBytes({ key, value, headers }: OutgoingRecord): number {
  const parts = [key, value, ...headers.flatMap(([name, content]) => [Buffer.from(name), content])]
  return batchOverheadBytes + gzipSync(Buffer.concat(parts.map(part => part ?? Buffer.alloc(0)))).length
}
