/** What the commands share: the way to broker, registry and configuration, each opened when it is first used, and where they print. */
import type { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import {
  brokerOptions,
  type Connection,
  findConfig,
  loadService,
  readConnection,
  registryOptions,
  type Service,
} from '../config.ts'
import { Signals } from '../observe/signals.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type GlobalOptions, outputOf } from './output.ts'
import { reachBroker } from './reach.ts'

export { type GlobalOptions, type Output, outputOf } from './output.ts'

export interface CommandContext {
  readonly connection: Connection
  /** Loads the configuration. Rejects with ConfigError (E_CONFIG) when there is none. */
  readonly service: () => Promise<Service>
  /** Whether there is a configuration, for commands that can do without. */
  readonly hasService: boolean
  readonly broker: Broker
  readonly registry: SchemaRegistry
  /** What is told of the registry, and of the process that a command runs. */
  readonly signals: Signals
  /** Closes what was opened. Never rejects. */
  close(): Promise<void>
}

export type OpenContext = (command: Command) => Promise<CommandContext>

/**
 * Opens nothing yet, but finds out whether a broker answers unless `reach` is false: rejects with BrokerUnavailable
 * (E_BROKER_UNAVAILABLE). The fields throw ConfigError (E_CONFIG) when they are first used and the environment does not say where
 * broker and registry are and no local stack runs: what is wrong with the command line itself is said before.
 */
export async function openContext(command: Command, { reach = true }: { reach?: boolean } = {}): Promise<CommandContext> {
  const { readLocalFile } = await import('../dev/local-file.ts')
  const read = () => readConnection(undefined, readLocalFile(process.cwd()))
  if (reach) await reachIfKnown(read)
  return openAt(command, read)
}

async function reachIfKnown(read: () => Connection): Promise<void> {
  let brokers: readonly string[]
  try {
    brokers = read().brokers
  } catch {
    return
  }
  await reachBroker(brokers)
}

/** A context for a broker and a registry that are known already. */
export async function openAt(command: Command, read: () => Connection): Promise<CommandContext> {
  const { config, verbose } = command.optsWithGlobals<GlobalOptions>()
  const { note } = outputOf(command)
  // Loaded here, so that `spillway --help` does not wait for the Kafka client.
  const [{ connectKafka }, { connectRegistry }] = await Promise.all([
    import('../broker/kafkajs/connect.ts'),
    import('../schema/registry.ts'),
  ])
  const onLog = (level: string, message: string) => note(`kafka client, ${level}: ${message}`)
  const connection = once(() => {
    const found = read()
    for (const warning of found.warnings) note(`warning: ${warning}`)
    return found
  })
  const broker = once(() => connectKafka({ ...brokerOptions(connection()), ...(verbose && { onLog }) }))
  const signals = new Signals()
  const registry = once(() => connectRegistry({ ...registryOptions(connection()), signals }))
  const service = once(() => loadService(config))
  return {
    get connection() {
      return connection()
    },
    service,
    hasService: config !== undefined || findConfig() !== undefined,
    get broker() {
      return broker()
    },
    get registry() {
      return registry()
    },
    signals,
    close: async () => {
      if (broker.used())
        await broker()
          .close()
          .catch(() => {})
    },
  }
}

/** Made when first asked for; what throws is tried again. */
function once<T extends object>(make: () => T): { (): T; used(): boolean } {
  let made: T | undefined
  return Object.assign(() => (made ??= make()), { used: () => made !== undefined })
}

/** Opens, does the work, and closes whatever comes of it. */
export async function inContext<T>(
  command: Command,
  work: (context: CommandContext) => Promise<T>,
  options: { reach?: boolean } = {},
): Promise<T> {
  const context = await openContext(command, options)
  try {
    return await work(context)
  } finally {
    await context.close()
  }
}

const codes = new WeakMap<Command, number>()

/** For a command that has said all there is to say and yet did not succeed. An error is thrown instead. */
export function exitWith(command: Command, code: number): void {
  codes.set(rootOf(command), code)
}

export function exitAskedFor(program: Command): number {
  return codes.get(program) ?? 0
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command
}
