import type { Producer } from 'kafkajs'
import { BrokerRefused, BrokerUnavailable } from '../../errors.ts'
import type { BatchProducer, OutgoingRecord } from '../port.ts'
import { type Client, patience } from './client.ts'
import { codecNames } from './decompress.ts'
import { baseOffset, toMessage } from './outgoing.ts'
import { type Codec, Squeeze } from './squeeze.ts'
import { writablePartitions } from './writable-partitions.ts'

/**
 * kafkajs sends one request a node at a time for an idempotent producer, so with many partitions each waits for all others.
 * The partitions are spread over this many producers.
 */
const producers = 4

export function batchProducer(client: Client): BatchProducer {
  const slots: (Slot | undefined)[] = Array(producers).fill(undefined)
  const turns = new Map<string, Promise<unknown>>()
  const squeeze = new Squeeze()
  const writable = writablePartitions(client)
  let closed = false

  async function sendBatch(topic: string, partition: number, records: readonly OutgoingRecord[], codec: Codec): Promise<bigint> {
    await writable.verify(topic, partition)
    const index = (partition + topic.length) % producers
    slots[index] ??= newSlot(client)
    const slot = slots[index]
    slot.users++
    try {
      const producer = await slot.ready
      const nowMs = Date.now()
      const messages = records.map(record => toMessage(record, nowMs))
      const written = await producer.send({ topic, acks: -1, compression: codecNames.indexOf(codec), messages })
      return baseOffset(written, partition)
    } catch (error) {
      // kafkajs hands the sequence numbers of a failed send to the next one, which the broker then takes for a repetition
      // and acknowledges without storing it. So no send may follow a failed one on the same producer.
      if (slots[index] === slot) slots[index] = undefined
      slot.discarded = true
      writable.forget(topic, partition)
      throw client.failure(`write ${records.length} records to ${topic}[${partition}]`, error)
    } finally {
      slot.users--
      dispose(slot)
    }
  }

  return {
    async sendBatch(topic, partition, records) {
      if (closed) throw new BrokerUnavailable('The producer is closed')
      if (records.length === 0) throw new BrokerRefused(`An empty batch for ${topic}[${partition}] has no offset`)
      const write = (codec: Codec): Promise<bigint> => sendBatch(topic, partition, records, codec)
      return inTurn(turns, `${topic}/${partition}`, () => squeeze.write(topic, records, write))
    },
    partitionsOf: writable.partitionsOf,
    async close() {
      closed = true
      await Promise.allSettled(turns.values())
      await Promise.all(slots.splice(0).map(slot => slot?.ready.then(quietly, () => {})))
    },
  }
}

interface Slot {
  readonly ready: Promise<Producer>
  users: number
  discarded: boolean
}

function newSlot(client: Client): Slot {
  const producer = client.newKafka().producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    // Callers wait for this: a first retry sooner than elsewhere.
    retry: { ...patience, initialRetryTime: 100 },
    createPartitioner: () => choice => choice.message.partition!,
  })
  // `verify` has been through the client's first connection by now, which finds out whether the settings fit.
  const ready = producer.connect().then(
    () => producer,
    async error => {
      await quietly(producer)
      throw error
    },
  )
  return { ready, users: 0, discarded: false }
}

// Other partitions may still be writing through a discarded producer; theirs is safe, as sequences are counted by partition.
function dispose(slot: Slot): void {
  if (slot.discarded && slot.users === 0) void slot.ready.then(quietly, () => {})
}

async function quietly(producer: Producer): Promise<void> {
  await producer.disconnect().catch(() => {})
}

/** One send of a partition at a time, in the order of the calls: a send that overtakes a failed one would meet its sequence numbers. */
function inTurn<Result>(turns: Map<string, Promise<unknown>>, key: string, run: () => Promise<Result>): Promise<Result> {
  const before = turns.get(key)
  const result = before === undefined ? run() : before.then(run, run)
  turns.set(key, result)
  const leave = (): void => {
    if (turns.get(key) === result) turns.delete(key)
  }
  result.then(leave, leave)
  return result
}
