import { randomUUID } from 'node:crypto'
import { connectKafka } from './broker/kafkajs/connect.ts'
import { brokerOptions, readConnection, registryOptions, secretsIn } from './config.ts'
import type { Logger } from './consume/handler.ts'
import type { Processor } from './consume/processor.ts'
import { readLocalFile } from './dev/local-file.ts'
import { Signals } from './observe/signals.ts'
import { reachRegistry } from './process/registry-reach.ts'
import { type Client, createClient } from './produce/client.ts'
import { checkRequest, type ReplayRequest } from './replay/request.ts'
import type { ReplayProgress, ReplayResult } from './replay/run.ts'
import { connectRegistry, type SchemaRegistry } from './schema/registry.ts'

export interface ConnectOptions {
  /** `ce_source` of what is published. Default: KAFKA_CLIENT_ID, else `spillway`. */
  readonly source?: string
  /** The W3C trace context of whoever publishes now, asked at every call: `activeTraceparent` of `spillway/tracing`. Must not throw. Default none. */
  readonly traceparent?: () => string | undefined
}

/**
 * A client for the broker and registry that the environment names (KAFKA_BROKERS, SCHEMA_REGISTRY_URL and the others of docs/configuration.md), or,
 * when it names none, for the local ones that `spillway dev` or the demo runs. Close it when done.
 * Rejects with ConfigError (E_CONFIG), BrokerUnavailable or RegistryUnavailable. Where schemas of the registry are on disk
 * (SCHEMA_REGISTRY_CACHE) it may be away: then a warning is emitted, and what is not on disk fails when it is published.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { connection, broker, registry } = open()
  try {
    await Promise.all([broker.admin().brokerCount(), reach(registry)])
  } catch (error) {
    await broker.close()
    throw error
  }
  const { source = connection.clientId, traceparent } = options
  const client = createClient({ producer: broker.producer(), registry, source, ...(traceparent && { traceparent }) })
  return {
    ...client,
    close: async () => {
      await client.close()
      await broker.close()
    },
  }
}

export interface ReplayOptions extends ReplayRequest {
  /** Whether `ctx.publish` and `ctx.schedule` of the handlers send. Default `suppress`: they are only counted. */
  readonly effects?: 'suppress' | 'allow'
  /** Records a second, at most. Default: as fast as it goes. */
  readonly ratePerSecond?: number
  /** Names a new one, by which it can be gone on with (`resume`): up to 40 letters, digits, `_` and `-`. Default: eight random hex digits. */
  readonly id?: string
  /** Where records that fail are written, as JSON lines: a new file, unless it goes on. Default `<group>.replay-<id>.failed.jsonl` in the working folder. */
  readonly file?: string
  /** Ends it in good order: what runs is finished and committed, and `interrupted` is true. */
  readonly signal?: AbortSignal
  /** After every commit, up to five times a second. */
  readonly onProgress?: (progress: ReplayProgress) => void
  /** What handlers, and the replay itself, log to. Default: JSON lines on stderr, as LOG_LEVEL and LOG_FORMAT say. */
  readonly logger?: Logger
  /** `ce_source` of what handlers send, when they may. Default: KAFKA_CLIENT_ID, else `spillway`. */
  readonly source?: string
}

/**
 * Runs the handlers of a consumer or worker again, on what its topics hold, as a group beside its own: to rebuild a projection.
 * Handlers see `ctx.isReplay`. The consumer's own group may run meanwhile and stays where it is. `file` of the result is undefined
 * when nothing failed.
 *
 * Rejects with UsageError (E_USAGE), GuardRefused (E_GUARD) for a file that is there already, GroupActive (E_GROUP_ACTIVE) when
 * another process runs the same replay, DataLost (E_DATA_LOST), and like `connect`. What had begun can be gone on with by its id.
 */
export async function replay(processor: Processor, options: ReplayOptions): Promise<ReplayResult & { file: string | undefined }> {
  checkRequest(options)
  // Loaded here: whoever only publishes needs no engine.
  const [{ planReplay }, { keptReplay }, { createLogger, logSignals }] = await Promise.all([
    import('./replay/plan.ts'),
    import('./command/kept-replay.ts'),
    import('./observe/log.ts'),
  ])
  const { connection, broker, registry, signals } = open()
  const { source: name = connection.clientId, id = randomUUID().slice(0, 8), effects = 'suppress', file, ...rest } = options
  const { logLevel: level, logFormat: format } = connection
  const { logger = createLogger({ level, format, secrets: secretsIn(), destination: process.stderr }) } = options
  logSignals(signals, logger)
  const admin = broker.admin()
  try {
    await reach(registry)
    const plan = await planReplay(admin, processor, options)
    return await keptReplay(plan, file, { ...rest, name, id, effects, processor, broker, registry, signals, logger })
  } finally {
    await admin.close()
    await broker.close()
  }
}

function open() {
  const connection = readConnection(undefined, readLocalFile(process.cwd()))
  for (const warning of connection.warnings) warn(warning)
  const signals = new Signals()
  const registry = connectRegistry({ ...registryOptions(connection), signals })
  return { connection, broker: connectKafka(brokerOptions(connection)), registry, signals }
}

async function reach(registry: SchemaRegistry): Promise<void> {
  const reached = await reachRegistry(registry)
  if (reached !== 'answers') warn(`the schema registry does not answer: going on with what is on disk (${reached.kept} files)`)
}

function warn(warning: string): void {
  process.emitWarning(warning, 'SpillwayWarning')
}
