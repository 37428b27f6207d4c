import type { Broker } from '../port.ts'
import { kafkaAdmin } from './admin.ts'
import { type KafkaOptions, newClient } from './client.ts'
import { groupConsumer } from './consumer.ts'
import { batchLimits } from './decompress.ts'
import { library } from './library.ts'
import { batchProducer } from './producer.ts'
import { partitionReader } from './reader.ts'
import { transactionalProducer } from './transactional-producer.ts'

export type { KafkaLogLevel, KafkaOptions } from './client.ts'

/** A cluster through kafkajs. Connects when first used. Throws ConfigError when kafkajs is not the version that this was built on. */
export function connectKafka(options: KafkaOptions): Broker & { close(): Promise<void> } {
  library()
  Object.assign(batchLimits, options.batchLimits)
  const client = newClient(options)
  const open = new Set<{ close(): Promise<void> }>()
  const kept = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    open.add(part)
    return part
  }
  return {
    producer: () => kept(batchProducer(client)),
    transactionalProducer: id => kept(transactionalProducer(client, id)),
    consumer: consumerOptions => {
      const consumer = groupConsumer(client, consumerOptions)
      const part = { close: () => consumer.stop() }
      open.add(part)
      // Consumers are built anew after each breakdown: do not keep those that were stopped.
      return { ...consumer, stop: () => consumer.stop().finally(() => open.delete(part)) }
    },
    admin: () => kept(kafkaAdmin(client)),
    reader: () => kept(partitionReader(client)),
    async close() {
      await Promise.all([...open].map(part => part.close()))
      await client.close()
    },
  }
}
