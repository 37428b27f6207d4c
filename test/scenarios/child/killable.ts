/** Runs the consumer with the shortest session that brokers allow, so that a kill is noticed within seconds. */
import { connectKafka } from '../../../src/broker/kafkajs/connect.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { Signals } from '../../../src/observe/signals.ts'
import { startProcess } from '../../../src/process/process.ts'
import { connectRegistry } from '../../../src/schema/registry.ts'
import { journalling } from './journalling.ts'

await startProcess({
  name: 'killable',
  processors: [journalling(JSON.parse(process.env.IT_CHILD!)).consumer],
  broker: connectKafka({ brokers: process.env.KAFKA_BROKERS!.split(','), clientId: 'killable' }),
  registry: connectRegistry({ url: process.env.SCHEMA_REGISTRY_URL! }),
  signals: new Signals(),
  logger: createLogger({ level: 'silent' }),
  sessionTimeoutMs: 6_000,
})
