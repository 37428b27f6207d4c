/**
 * Micro-batching: calls come in one by one, requests go out with what has gathered. One partition a request and one request
 * in flight per partition, so order holds and the request under way is the only linger there is.
 */
import type { BatchProducer, OutgoingRecord, RecordPosition, RecordSender, TopicPartition } from '../broker/port.ts'
import { recordBytes } from '../broker/record-size.ts'
import { codeOf } from '../errors.ts'

export interface BatchLimits {
  /** Below the broker's default `max.message.bytes` of 1,048,588, with room for the batch's own frame. */
  readonly maxBytes: number
  readonly maxRecords: number
}

const defaultLimits: BatchLimits = { maxBytes: 900_000, maxRecords: 2_000 }

export interface BatchingSender extends RecordSender {
  /** `bytes` is what recordBytes says, for a caller who has asked it already. */
  send(record: OutgoingRecord, bytes?: number): Promise<RecordPosition>
  /** Resolves when nothing is queued or in flight. */
  idle(): Promise<void>
}

interface Pending {
  readonly record: OutgoingRecord
  readonly bytes: number
  readonly resolve: (position: RecordPosition) => void
  readonly reject: (error: unknown) => void
}

interface PartitionQueue {
  readonly topic: string
  readonly partition: number
  pending: Pending[]
  /** A request is in flight, or about to be made at the end of this turn of the event loop. */
  busy: boolean
}

export function batching(producer: BatchProducer, limits: BatchLimits = defaultLimits): BatchingSender {
  const topics = new Map<string, Map<number, PartitionQueue>>()
  const idleWaiters: (() => void)[] = []
  let busyQueues = 0

  return { send, idle }

  function send(record: OutgoingRecord, bytes = recordBytes(record)): Promise<RecordPosition> {
    return new Promise((resolve, reject) => {
      const queue = queueOf(record)
      queue.pending.push({ record, bytes, resolve, reject })
      if (queue.busy) return
      queue.busy = true
      busyQueues++
      setImmediate(() => void flush(queue))
    })
  }

  function idle(): Promise<void> {
    return busyQueues === 0 ? Promise.resolve() : new Promise(resolve => idleWaiters.push(resolve))
  }

  async function flush(queue: PartitionQueue): Promise<void> {
    while (queue.pending.length > 0) await write(queue, take(queue, limits))
    queue.busy = false
    busyQueues--
    if (busyQueues === 0) for (const resolve of idleWaiters.splice(0)) resolve()
  }

  async function write({ topic, partition }: TopicPartition, batch: readonly Pending[]): Promise<void> {
    const records = batch.map(one => one.record)
    try {
      const base = await producer.sendBatch(topic, partition, records)
      for (const [i, one] of batch.entries()) one.resolve({ topic, partition, offset: base + BigInt(i) })
    } catch (error) {
      if (codeOf(error) === 'E_RECORD_TOO_LARGE' && batch.length > 1) return halve({ topic, partition }, batch)
      for (const one of batch) one.reject(error)
    }
  }

  /** A topic may take less at once than we put together, and only the broker knows how much. One record that is too large alone spoils no other. */
  async function halve(queue: TopicPartition, batch: readonly Pending[]): Promise<void> {
    const half = Math.ceil(batch.length / 2)
    await write(queue, batch.slice(0, half))
    await write(queue, batch.slice(half))
  }

  function queueOf({ topic, partition }: OutgoingRecord): PartitionQueue {
    const partitions = topics.get(topic) ?? new Map<number, PartitionQueue>()
    const known = partitions.get(partition)
    if (known) return known
    const queue: PartitionQueue = { topic, partition, pending: [], busy: false }
    topics.set(topic, partitions.set(partition, queue))
    return queue
  }
}

/** As many as fit, at least one: a record that is too large alone is for the broker to refuse. */
function take(queue: PartitionQueue, limits: BatchLimits): Pending[] {
  let bytes = 0
  let count = 0
  for (const one of queue.pending) {
    bytes += one.bytes
    if (count > 0 && (bytes > limits.maxBytes || count >= limits.maxRecords)) break
    count++
  }
  const batch = queue.pending.slice(0, count)
  queue.pending = queue.pending.slice(count)
  return batch
}
