import type * as tls from 'node:tls'
import type { Kafka, SASLOptions } from 'kafkajs'
import type { SpillwayError } from '../../errors.ts'
import { clusterOf, type OpenCluster, openCluster } from './cluster.ts'
import { brokerFailure } from './errors.ts'
import type { Cluster } from './internals.ts'
import { library } from './library.ts'
import { newSockets, type Sockets } from './sockets.ts'

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug'

export interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: tls.ConnectionOptions | boolean
  readonly sasl?: SASLOptions
  readonly connectionTimeoutMs?: number
  /** What kafkajs would log. Nothing is logged without it. */
  readonly onLog?: (level: KafkaLogLevel, message: string, extra: Readonly<Record<string, unknown>>) => void
}

/** What the parts of this folder share: how to reach the cluster, and how to name what went wrong. */
export interface Client {
  readonly brokers: readonly string[]
  /** A kafkajs instance of its own: two consumers of one group on the same one overwrite each other's positions. */
  newKafka(): Kafka
  /** The connection for metadata, offsets and reading. Made when first asked for, anew when that failed. */
  cluster(): Promise<Cluster>
  /** Gives that connection up: it may be as dead as another one has turned out to be, and would say so half a minute later. */
  renewCluster(): void
  failure(doing: string, error: unknown): SpillwayError
  log(level: KafkaLogLevel, message: string, extra: Readonly<Record<string, unknown>>): void
  close(): Promise<void>
}

/**
 * Some 45 s altogether. Waits stay short: whoever waits 30 s, as kafkajs would, is that late when the broker is back.
 * All five, as kafkajs takes other defaults when NODE_ENV is `test`.
 */
export const patience = { retries: 12, initialRetryTime: 300, maxRetryTime: 5000, factor: 0.2, multiplier: 2 }

export function newClient(options: KafkaOptions): Client {
  const { brokers, onLog } = options
  const log: Client['log'] = (level, message, extra) => onLog?.(level, message, extra)
  const sockets = newSockets()
  const newKafka = (): Kafka => newInstance(options, log, sockets)
  let shared: OpenCluster | undefined
  return {
    brokers,
    newKafka,
    cluster: () => {
      shared ??= openCluster(clusterOf(newKafka()))
      return shared.connected()
    },
    renewCluster: () => {
      void shared?.close()
      shared = undefined
    },
    failure: (doing, error) => brokerFailure(doing, brokers, error),
    log,
    close: async () => {
      await shared?.close()
      sockets.destroy()
    },
  }
}

function newInstance(options: KafkaOptions, log: Client['log'], sockets: Sockets): Kafka {
  const { Kafka, logLevel } = library()
  return new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: options.connectionTimeoutMs ?? 3000,
    // A busy cluster answers the login late, and kafkajs does not retry it.
    authenticationTimeout: 15_000,
    retry: patience,
    socketFactory: sockets.open,
    logLevel: options.onLog === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator:
      () =>
      ({ label, log: { message, ...extra } }) =>
        log(label.toLowerCase() as KafkaLogLevel, message, extra),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
  })
}
