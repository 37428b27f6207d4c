/** A whole cluster in memory, for unit tests: the same contract as Kafka, without sockets, disks and other processes. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { BrokerRefused } from '../../errors.ts'
import type { BatchProducer, Broker, Reader } from '../port.ts'
import { memoryAdmin } from './admin.ts'
import { Cluster } from './cluster.ts'
import { MemoryConsumer } from './consumer.ts'
import { memoryTransactionalProducer } from './transactional-producer.ts'

export interface MemoryBrokerOptions {
  /** Milliseconds since 1970, for records that bring no timestamp. Default Date.now. */
  readonly clock?: () => number
}

/** One empty cluster of one broker. Whatever is not in `admin().createTopics` does not exist. */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker {
  const cluster = new Cluster(options.clock ?? Date.now)
  let consumers = 0
  return {
    producer: () => memoryProducer(cluster),
    transactionalProducer: id => memoryTransactionalProducer(cluster, id),
    consumer: consumerOptions => new MemoryConsumer(`member-${String(++consumers).padStart(4, '0')}`, cluster, consumerOptions),
    admin: () => memoryAdmin(cluster),
    reader: () => memoryReader(cluster),
  }
}

function memoryProducer(cluster: Cluster): BatchProducer {
  let closed = false
  return {
    async sendBatch(topic, partition, records) {
      if (closed) throw new BrokerRefused('the producer is closed')
      const first = cluster.topic(topic).append(partition, records, cluster.clock())
      // Acknowledged a turn of the event loop later, as by a socket: a loop of sends must not starve the consumers beside it.
      await turnOfTheLoop()
      return first
    },
    partitionsOf: async topic => cluster.topic(topic).partitions.length,
    async close() {
      closed = true
    },
  }
}

const readAtOnce = 500

function memoryReader(cluster: Cluster): Reader {
  return {
    async read({ topic, partition, from, to }, onRecord) {
      const log = cluster.topic(topic).partition(partition)
      let next = from
      while (next < to && next < log.high) {
        for (const record of log.read(next, Math.min(Number(to - next), readAtOnce))) {
          await onRecord(record)
          next = record.offset + 1n
        }
      }
    },
    close: async () => undefined,
  }
}
