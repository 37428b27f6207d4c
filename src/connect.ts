import { connectKafka } from './broker/kafkajs/connect.ts'
import { readConnection } from './config.ts'
import { readLocalFile } from './dev/local-file.ts'
import { type Client, createClient } from './produce/client.ts'
import { connectRegistry } from './schema/registry.ts'

export interface ConnectOptions {
  /** `ce_source` of what is published. Default: KAFKA_CLIENT_ID, else `spillway`. */
  readonly source?: string
}

/**
 * A client for the broker and registry that the environment names (KAFKA_BROKERS, SCHEMA_REGISTRY_URL and the rest of docs), or,
 * when it names none, for the local ones that `spillway dev` or the demo runs. Close it when done.
 * Rejects with ConfigError (E_CONFIG), BrokerUnavailable or RegistryUnavailable.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const connection = readConnection(undefined, readLocalFile(process.cwd()))
  const { brokers, clientId, ssl, sasl, registryUrl: url, registryUsername: username, registryPassword: password } = connection
  const broker = connectKafka({ brokers: [...brokers], clientId, ...(ssl !== undefined && { ssl }), ...(sasl && { sasl }) })
  const registry = connectRegistry({
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  })
  try {
    await Promise.all([broker.admin().brokerCount(), registry.ping()])
  } catch (error) {
    await broker.close()
    throw error
  }
  const client = createClient({ producer: broker.producer(), registry, source: options.source ?? clientId })
  return {
    ...client,
    close: async () => {
      await client.close()
      await broker.close()
    },
  }
}
