import type { Message, Producer, RecordMetadata } from 'kafkajs'
import { BrokerRefused, BrokerUnavailable } from '../../errors.ts'
import type { BatchProducer, OutgoingRecord } from '../port.ts'
import { type Client, patience } from './client.ts'
import { describeTopics } from './cluster.ts'
import { codecNames } from './decompress.ts'
import { type Codec, Squeeze } from './squeeze.ts'

/**
 * kafkajs sends one request a node at a time for an idempotent producer, so with many partitions each waits for all others.
 * The partitions are spread over this many producers.
 */
const producers = 4
const partitionCountMs = 5 * 60_000

export function batchProducer(client: Client): BatchProducer {
  const slots: (Slot | undefined)[] = Array(producers).fill(undefined)
  const turns = new Map<string, Promise<unknown>>()
  const squeeze = new Squeeze()
  const verified = new Set<string>()
  const counts = new Map<string, { readonly count: Promise<number>; readonly until: number }>()
  let closed = false

  async function partitionsOf(topic: string): Promise<number> {
    const known = counts.get(topic)
    if (known !== undefined && known.until > Date.now()) return known.count
    const count = countPartitions(client, topic)
    counts.set(topic, { count, until: Date.now() + partitionCountMs })
    count.catch(() => counts.delete(topic))
    return count
  }

  // kafkajs asks for half a minute after a topic that does not exist, and for a partition that does not it answers nothing.
  async function verify(topic: string, partition: number): Promise<void> {
    if (verified.has(`${topic}/${partition}`)) return
    if (partition >= (await partitionsOf(topic))) {
      counts.delete(topic)
      const count = await partitionsOf(topic)
      if (partition >= count) throw new BrokerRefused(`There is no partition ${partition} of ${topic}, which has ${count}`)
    }
    verified.add(`${topic}/${partition}`)
  }

  async function sendBatch(topic: string, partition: number, records: readonly OutgoingRecord[], codec: Codec): Promise<bigint> {
    await verify(topic, partition)
    const index = (partition + topic.length) % producers
    slots[index] ??= newSlot(client)
    const slot = slots[index]
    slot.users++
    try {
      const producer = await slot.ready
      const now = String(Date.now())
      const messages = records.map(record => toMessage(record, now))
      const written = await producer.send({ topic, acks: -1, compression: codecNames.indexOf(codec), messages })
      return baseOffset(written, partition)
    } catch (error) {
      // kafkajs hands the sequence numbers of a failed send to the next one, which the broker then takes for a repetition
      // and acknowledges without storing it. So no send may follow a failed one on the same producer.
      if (slots[index] === slot) slots[index] = undefined
      slot.discarded = true
      verified.delete(`${topic}/${partition}`)
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
    partitionsOf,
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

function toMessage(record: OutgoingRecord, now: string): Message {
  return {
    partition: record.partition,
    key: record.key,
    value: record.value,
    // A string: kafkajs takes a timestamp of 0 as a number for none.
    timestamp: record.timestampMs === undefined ? now : String(record.timestampMs),
    // Our encoder takes the pairs as they are (patch-record.ts).
    headers: record.headers as unknown as NonNullable<Message['headers']>,
  }
}

// When a leader moves during a send, kafkajs may resolve without having written anything.
function baseOffset(written: readonly RecordMetadata[], partition: number): bigint {
  const [only] = written
  if (
    written.length !== 1 ||
    only === undefined ||
    only.partition !== partition ||
    only.errorCode ||
    only.baseOffset === undefined
  ) {
    throw new BrokerUnavailable(`The answer does not say that partition ${partition} was written: ${JSON.stringify(written)}`)
  }
  return BigInt(only.baseOffset)
}

async function countPartitions(client: Client, topic: string): Promise<number> {
  const doing = `find the partitions of ${topic}`
  try {
    const [found] = await describeTopics(await client.cluster(), [topic])
    if (found !== undefined) return found.partitionMetadata.length
  } catch (error) {
    throw client.failure(doing, error)
  }
  throw new BrokerRefused(
    `There is no topic ${topic} on ${client.brokers.join(', ')}. Create it with \`spillway topic apply\` if it belongs to this service`,
  )
}
