import type { Kafka, RetryOptions } from 'kafkajs'
import { BrokerRefused, type SpillwayError } from '../../errors.ts'
import { clusterOf, type OpenCluster, openCluster } from './cluster.ts'
import type { BatchLimits } from './decompress.ts'
import { brokerFailure } from './errors.ts'
import type { Cluster } from './internals.ts'
import { library } from './library.ts'
import { probe } from './probe.ts'
import { type Login, loginOf, type Sasl } from './sasl.ts'
import { newSockets, type Sockets, type Tls } from './sockets.ts'

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug'

export interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: Tls
  readonly sasl?: Sasl
  readonly connectionTimeoutMs?: number
  /** What one batch may become when it is decompressed. Holds for the whole process: the last connection to name a limit sets it. */
  readonly batchLimits?: Partial<BatchLimits>
  /** What kafkajs would log. Nothing is logged without it. */
  readonly onLog?: (level: KafkaLogLevel, message: string, extra: Readonly<Record<string, unknown>>) => void
}

/** What the parts of this folder share: how to reach the cluster, and how to name what went wrong. */
export interface Client {
  readonly brokers: readonly string[]
  /** A kafkajs instance of its own: two consumers of one group on the same one overwrite each other's positions. */
  newKafka(retry?: RetryOptions): Kafka
  /**
   * To be awaited before anything of kafkajs connects. Rejects when the brokers are there but cannot be spoken to as configured:
   * the first time that is a mistake, which kafkajs would take for an outage. Later, everything is one.
   */
  admitted(): Promise<void>
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
  const sockets = newSockets(options.ssl)
  const login = options.sasl && loginOf(options.sasl)
  const newKafka = (retry: RetryOptions = patience): Kafka => newInstance(options, log, sockets, login, retry)
  const admitted = admission(options, sockets, login)
  let shared: OpenCluster | undefined
  return {
    brokers,
    newKafka,
    admitted,
    cluster: async () => {
      await admitted()
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

/** One probe for all who ask at the same time, and none once a broker was found fine. */
function admission(options: KafkaOptions, sockets: Sockets, login: Login | undefined): () => Promise<void> {
  let fine = false
  let asking: Promise<void> | undefined
  return async () => {
    if (fine) return
    asking ??= ask(options, sockets, login)
      .then(found => {
        fine = found
      })
      .finally(() => {
        asking = undefined
      })
    return asking
  }
}

/** Whether one of the brokers is known to be fine; false when none can be reached. */
async function ask(
  { brokers, ssl, connectionTimeoutMs = 3000 }: KafkaOptions,
  sockets: Sockets,
  login: Login | undefined,
): Promise<boolean> {
  const asked = {
    open: (host: string, port: number, onConnect: () => void) => sockets.open({ host, port, ssl: {}, onConnect }),
    tls: ssl !== undefined,
    mechanism: login?.mechanism,
    timeoutMs: connectionTimeoutMs,
  }
  const refusals: string[] = []
  const knock = async (broker: string): Promise<void> => {
    const verdict = await probe(broker, asked)
    if (verdict === 'fine') return
    if (verdict !== 'silent') refusals.push(`The broker at ${broker} cannot be used: ${verdict.refused}`)
    throw verdict
  }
  try {
    // The first one will do: another may be down, and take its time to say so.
    await Promise.any(brokers.map(knock))
  } catch {
    if (refusals[0] !== undefined) throw new BrokerRefused(refusals[0])
    return false
  }
  await login?.ready()
  return true
}

function newInstance(
  options: KafkaOptions,
  log: Client['log'],
  sockets: Sockets,
  login: Login | undefined,
  retry: RetryOptions,
): Kafka {
  const { Kafka, logLevel } = library()
  return new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: options.connectionTimeoutMs ?? 3000,
    // A busy cluster answers the login late, and kafkajs does not retry it.
    authenticationTimeout: 15_000,
    retry,
    socketFactory: sockets.open,
    logLevel: options.onLog === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator:
      () =>
      ({ label, log: { message, ...extra } }) =>
        log(label.toLowerCase() as KafkaLogLevel, message, extra),
    // How, the sockets know.
    ssl: options.ssl !== undefined,
    ...(login && { sasl: login.options() }),
  })
}
