import { connectKafka } from './broker/kafkajs/connect.ts'
import { brokerOptions, readConnection, registryOptions } from './config.ts'
import { readLocalFile } from './dev/local-file.ts'
import { type Client, createClient } from './produce/client.ts'
import { connectRegistry } from './schema/registry.ts'

export interface ConnectOptions {
  /** `ce_source` of what is published. Default: KAFKA_CLIENT_ID, else `spillway`. */
  readonly source?: string
  /** The W3C trace context of whoever publishes now, asked at every call: `activeTraceparent` of `spillway/tracing`. Must not throw. Default none. */
  readonly traceparent?: () => string | undefined
}

/**
 * A client for the broker and registry that the environment names (KAFKA_BROKERS, SCHEMA_REGISTRY_URL and the others of docs/configuration.md), or,
 * when it names none, for the local ones that `spillway dev` or the demo runs. Close it when done.
 * Rejects with ConfigError (E_CONFIG), BrokerUnavailable or RegistryUnavailable.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const connection = readConnection(undefined, readLocalFile(process.cwd()))
  for (const warning of connection.warnings) process.emitWarning(warning, 'SpillwayWarning')
  const broker = connectKafka(brokerOptions(connection))
  const registry = connectRegistry(registryOptions(connection))
  try {
    await Promise.all([broker.admin().brokerCount(), registry.ping()])
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
