/** Runs the consumer with health endpoints, the shortest session that brokers allow, and the way to the broker that IT_REDIRECT names. */

import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { connectKafka } from '../../../src/broker/kafkajs/connect.ts'
import { createLogger, logSignals } from '../../../src/observe/log.ts'
import { Signals } from '../../../src/observe/signals.ts'
import { startHealth } from '../../../src/process/health.ts'
import { startProcess } from '../../../src/process/process.ts'
import { connectRegistry } from '../../../src/schema/registry.ts'
import { journalling } from './journalling.ts'

const [brokerPort, proxyPort] = process.env.IT_REDIRECT!.split(':').map(Number)
const directly = net.connect
// The broker tells its clients its own port, so that it is not enough to give them another.
net.connect = ((to: net.TcpNetConnectOpts, onConnect: () => void) =>
  directly({ ...to, port: to.port === brokerPort ? proxyPort! : to.port }, onConnect)) as typeof net.connect
syncBuiltinESMExports()

const { consumer } = journalling(JSON.parse(process.env.IT_CHILD!))
const signals = new Signals()
const logger = createLogger({ format: 'json' })
logSignals(signals, logger)
const address = { host: '127.0.0.1', port: 0 }
const health = await startHealth({ address, service: 'watched', version: '0', processors: [consumer], signals })
logger.info(health.address, 'health and metrics')
health.registryReached()
const running = await startProcess({
  name: 'watched',
  processors: [consumer],
  broker: connectKafka({ brokers: process.env.KAFKA_BROKERS!.split(','), clientId: 'watched' }),
  registry: connectRegistry({ url: process.env.SCHEMA_REGISTRY_URL! }),
  signals,
  logger,
  sessionTimeoutMs: 6_000,
})
health.follow(running)
