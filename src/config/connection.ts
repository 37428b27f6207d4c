/** How broker and registry are reached, from the environment. */
import { join } from 'node:path'
import { inspect } from 'node:util'
import { ConfigError } from '../errors.ts'
import { type HttpAddress, httpAddress } from './http.ts'
import { type Environment, Reading } from './reading.ts'
import { readSasl, type Sasl, saslSecrets } from './sasl.ts'
import { readTls, type Tls } from './tls.ts'

/** Its secrets are hidden when it, or what it contains, is printed, logged or made JSON of. */
export interface Connection {
  readonly brokers: readonly string[]
  /** Without credentials: they stand in the two fields below. */
  readonly registryUrl: string
  readonly registryUsername?: string
  readonly registryPassword?: string
  /** Where its schemas are kept; undefined: nowhere. */
  readonly registryCache?: string
  readonly clientId: string
  readonly ssl?: Tls
  readonly sasl?: Sasl
  readonly logLevel: LogLevel
  /** Undefined: pretty on a terminal, else JSON lines. */
  readonly logFormat: 'json' | 'pretty' | undefined
  readonly shutdownTimeoutMs: number
  /** Where `run` tells how it is; undefined: nowhere. */
  readonly http?: HttpAddress
  /** What works, but should not be so in production: whoever reads a connection tells them. */
  readonly warnings: readonly string[]
  /** What one batch may be when it is decompressed; undefined: the client's default. */
  readonly maxBatchBytes?: number
}

export type LogLevel = (typeof logLevels)[number]

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const logFormats = ['json', 'pretty'] as const

/**
 * Reads KAFKA_*, SCHEMA_REGISTRY_*, LOG_*, HTTP_* and SHUTDOWN_TIMEOUT_MS. The fallback, a local stack that runs, counts only when
 * neither broker nor registry is given: half of each would mix two worlds. Throws ConfigError (E_CONFIG) with every problem found.
 */
export function readConnection(
  env: Environment = process.env,
  fallback?: { readonly brokers: readonly string[]; readonly registryUrl: string },
): Connection {
  const problems: string[] = []
  const read = new Reading(env, problems)
  const where = addresses(read, fallback)
  const username = read.text('SCHEMA_REGISTRY_USERNAME') ?? where.username
  const password = read.secret('SCHEMA_REGISTRY_PASSWORD') ?? where.password
  if (password !== undefined && username === undefined)
    problems.push('SCHEMA_REGISTRY_PASSWORD is set, SCHEMA_REGISTRY_USERNAME is not')
  const ssl = readTls(read)
  const { sasl, warnings } = readSasl(read, ssl !== undefined)
  const maxBatchBytes = read.count('KAFKA_MAX_BATCH_BYTES', 'bytes')
  const http = httpAddress(read.text('HTTP_HOST'), read.text('HTTP_PORT'), problems)
  const connection: Connection = {
    brokers: where.brokers,
    registryUrl: where.registryUrl,
    ...(username !== undefined && { registryUsername: username }),
    ...(password !== undefined && { registryPassword: password }),
    ...registryCache(read),
    clientId: read.text('KAFKA_CLIENT_ID') ?? 'spillway',
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    logLevel: read.choice('LOG_LEVEL', logLevels) ?? 'info',
    logFormat: read.choice('LOG_FORMAT', logFormats),
    shutdownTimeoutMs: read.count('SHUTDOWN_TIMEOUT_MS', 'milliseconds') ?? 25_000,
    ...(maxBatchBytes !== undefined && { maxBatchBytes }),
    ...(http && { http }),
    warnings,
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return concealing(connection, ['registryPassword'])
}

/** The part of a connection that a Kafka client is made with. */
export function brokerOptions({
  brokers,
  clientId,
  ssl,
  sasl,
  maxBatchBytes,
}: Connection): Pick<Connection, 'brokers' | 'clientId' | 'ssl' | 'sasl'> & { batchLimits?: { maxBytes: number } } {
  return {
    brokers,
    clientId,
    ...(ssl !== undefined && { ssl }),
    ...(sasl && { sasl }),
    ...(maxBatchBytes !== undefined && { batchLimits: { maxBytes: maxBatchBytes } }),
  }
}

/** The part of a connection that a registry client is made with. */
export function registryOptions({ registryUrl, registryUsername, registryPassword, registryCache }: Connection): {
  url: string
  username?: string
  password?: string
  folder?: string
} {
  return {
    url: registryUrl,
    ...(registryUsername !== undefined && { username: registryUsername }),
    ...(registryPassword !== undefined && { password: registryPassword }),
    ...(registryCache !== undefined && { folder: registryCache }),
  }
}

/** For what takes an environment as it is, such as the local stack, which hands it on to what it starts. */
export function environment(): NodeJS.ProcessEnv {
  return process.env
}

/** The secrets that the environment holds, for whoever prints to take them out. Never throws. */
export function secretsIn(env: Environment = process.env): { value: string; username?: string }[] {
  const read = new Reading(env, [])
  const url = registryAddress(read, read.text('SCHEMA_REGISTRY_URL'))
  const pairs: (readonly [username: string | undefined, value: string | undefined])[] = [
    ...saslSecrets(read),
    [read.text('SCHEMA_REGISTRY_USERNAME') ?? url.username, read.secret('SCHEMA_REGISTRY_PASSWORD')],
    [url.username, url.password],
    [undefined, read.file('KAFKA_SSL_KEY', '_PATH')],
  ]
  return pairs.flatMap(([username, value]) =>
    value === undefined ? [] : [{ value, ...(username !== undefined && { username }) }],
  )
}

interface Addresses {
  brokers: readonly string[]
  registryUrl: string
  username?: string
  password?: string
}

function addresses(read: Reading, fallback: Parameters<typeof readConnection>[1]): Addresses {
  const brokers = read.text('KAFKA_BROKERS') ?? read.text('KAFKA_BOOTSTRAP_SERVERS')
  const url = read.text('SCHEMA_REGISTRY_URL')
  if (brokers === undefined && url === undefined) {
    if (fallback) return { brokers: fallback.brokers, registryUrl: fallback.registryUrl }
    read.problems.push(
      'no broker: set KAFKA_BROKERS and SCHEMA_REGISTRY_URL, or run `spillway dev` in this folder, which starts both',
    )
    return { brokers: [], registryUrl: '' }
  }
  if (url === undefined) read.problems.push('KAFKA_BROKERS is set, SCHEMA_REGISTRY_URL is not: set both, or neither')
  if (brokers === undefined) read.problems.push('SCHEMA_REGISTRY_URL is set, KAFKA_BROKERS is not: set both, or neither')
  return { brokers: brokerList(read, brokers ?? ''), ...registryAddress(read, url) }
}

/** Not of a local stack by default: it is there whenever its broker is, and its port may be another one's tomorrow. */
function registryCache(read: Reading): { registryCache?: string } {
  const folder = read.text('SCHEMA_REGISTRY_CACHE')
  if (folder?.toLowerCase() === 'off') return {}
  if (folder !== undefined) return { registryCache: folder }
  return read.text('SCHEMA_REGISTRY_URL') === undefined ? {} : { registryCache: join(process.cwd(), '.spillway', 'schemas') }
}

function brokerList(read: Reading, text: string): string[] {
  const brokers = list(text)
  for (const broker of brokers) {
    const port = Number(/^(?:[^\s:/@]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(broker)?.[1] ?? 0)
    // Not shown as it is: someone may have put credentials into it.
    if (port < 1 || port > 65_535)
      read.problems.push(`KAFKA_BROKERS: '${broker.replace(/.*@/, '')}' is not host:port, such as localhost:9092`)
  }
  return brokers
}

function registryAddress(read: Reading, text: string | undefined): Omit<Addresses, 'brokers'> {
  if (text === undefined) return { registryUrl: '' }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    read.problems.push('SCHEMA_REGISTRY_URL is no http or https address, such as http://localhost:8081')
    return { registryUrl: '' }
  }
  const { username, password } = url
  url.username = ''
  url.password = ''
  return {
    registryUrl: url.href.replace(/\/$/, ''),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
}

/** A copy that shows `[hidden]` for its secrets when it is printed or made JSON of. A copy of it made by spreading does not. */
function concealing<T extends object>(value: T, secrets: readonly (keyof T)[]): T {
  const shown = () => ({
    ...value,
    ...Object.fromEntries(secrets.filter(one => value[one] !== undefined).map(one => [one, '[hidden]'])),
  })
  const copy = { ...value }
  Object.defineProperty(copy, 'toJSON', { value: shown })
  Object.defineProperty(copy, inspect.custom, { value: shown })
  return Object.freeze(copy)
}
