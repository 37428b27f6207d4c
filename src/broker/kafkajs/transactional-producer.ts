import type { Producer, Transaction } from 'kafkajs'
import { BrokerUnavailable, codeOf, type SpillwayError, TransactionTooLong } from '../../errors.ts'
import { type Chunk, chunksOf } from '../chunks.ts'
import type { TransactionalProducer } from '../port.ts'
import { type Client, patience } from './client.ts'
import { codecNames } from './decompress.ts'
import { baseOffset, toMessage } from './outgoing.ts'
import { Squeeze } from './squeeze.ts'
import { writablePartitions } from './writable-partitions.ts'

/** Past this the broker aborts by itself. */
const timeoutMs = 10_000
/** Past this no further request is made in a transaction. */
const openMs = 1_000
/**
 * The first request of a transaction is often told that the end of the one before is still being written, which takes some
 * milliseconds: kafkajs's usual 300 ms would be most of the time that it takes.
 */
const initialRetryTime = 3
/** About a second altogether: readers wait meanwhile. */
const retry = { ...patience, retries: 11, initialRetryTime, maxRetryTime: 200 }

/** After these it is known what was written: nothing, or what was acknowledged. */
const harmless = new Set<string | undefined>(['E_RECORD_TOO_LARGE', 'E_TRANSACTION_TOO_LONG'])

interface Begun {
  readonly transaction: Transaction
  /** By `performance.now()`. */
  readonly at: number
}

/**
 * kafkajs hands the sequence numbers of a failed send to the next one, in the next transaction too, which the broker then takes for
 * a repetition and acknowledges without storing it. So after most failures this producer takes nothing more; and when a commit
 * or abort fails, kafkajs can neither begin nor end anything any more.
 */
export function transactionalProducer(client: Client, id: string): TransactionalProducer {
  const writable = writablePartitions(client)
  const squeeze = new Squeeze()
  let producer: Producer | undefined
  let begun: Begun | undefined
  let broken: SpillwayError | undefined

  const guarded = async (doing: string, run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      const failure = client.failure(`${doing} as ${id}`, error)
      if (!harmless.has(codeOf(failure))) broken ??= failure
      throw failure
    }
  }
  const begin = async (): Promise<Begun> => {
    if (broken !== undefined) throw broken
    if (producer === undefined) throw new BrokerUnavailable(`the producer ${id} is not connected`)
    return { transaction: await producer.transaction(), at: performance.now() }
  }
  const end = async (doing: string, run: (transaction: Transaction) => Promise<void>): Promise<void> => {
    const transaction = begun?.transaction
    begun = undefined
    if (transaction !== undefined) await guarded(`${doing} a transaction`, () => run(transaction))
  }

  return {
    connect: () =>
      guarded('begin', async () => {
        await client.admitted()
        producer = await connected(client, id)
      }),
    send: records =>
      guarded(`write ${records.length} records in a transaction`, async () => {
        const chunks = chunksOf(records)
        for (const { topic, partition } of chunks) await writable.verify(topic, partition)
        begun ??= await begin()
        for (const chunk of chunks) await sendIn(client, squeeze, begun, chunk)
      }),
    commit: () => end('commit', transaction => transaction.commit()),
    abort: () => end('abort', transaction => transaction.abort()),
    async close() {
      const open = producer
      producer = undefined
      broken ??= new BrokerUnavailable(`the producer ${id} is closed`)
      await open?.disconnect().catch(() => {})
    },
  }
}

async function connected(client: Client, id: string): Promise<Producer> {
  const producer = client.newKafka({ ...patience, initialRetryTime }).producer({
    transactionalId: id,
    transactionTimeout: timeoutMs,
    allowAutoTopicCreation: false,
    retry,
    createPartitioner: () => choice => choice.message.partition!,
  })
  try {
    await producer.connect()
    // kafkajs takes the id only when the first transaction begins. One without records is a request less.
    const none = await producer.transaction()
    await none.abort()
    return producer
  } catch (error) {
    await producer.disconnect().catch(() => {})
    throw error
  }
}

/**
 * One partition a request, and each answer looked at: of a request to several kafkajs may leave one out, when its leader moves, and
 * say that all was written. And when one is refused, the sequence numbers of all are taken back, of those too that were written.
 */
async function sendIn(client: Client, squeeze: Squeeze, { transaction, at }: Begun, chunk: Chunk): Promise<void> {
  const { topic, partition, records } = chunk
  const nowMs = Date.now()
  const messages = records.map(record => toMessage(record, nowMs))
  await squeeze.write(topic, records, async codec => {
    const openFor = performance.now() - at
    if (openFor > openMs)
      throw new TransactionTooLong(`the transaction is open for ${Math.round(openFor)} ms, of ${openMs} at most`)
    try {
      const compression = codecNames.indexOf(codec)
      return baseOffset(await transaction.send({ topic, acks: -1, compression, messages }), partition)
    } catch (error) {
      throw client.failure(`write ${records.length} records to ${topic}[${partition}]`, error)
    }
  })
}
