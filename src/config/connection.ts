/** How broker and registry are reached, from the environment. */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { ConfigError } from '../errors.ts'
import { type HttpAddress, httpAddress } from './http.ts'

/** PEM texts; `true` trusts the system's authorities. */
export type Tls = true | { readonly ca?: string; readonly cert?: string; readonly key?: string }

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** Its secrets are plain fields, but are hidden when it, or what it contains, is printed, logged or made JSON of. */
export interface Connection {
  readonly brokers: readonly string[]
  /** Without credentials: they stand in the two fields below. */
  readonly registryUrl: string
  readonly registryUsername?: string
  readonly registryPassword?: string
  readonly clientId: string
  readonly ssl?: Tls
  readonly sasl?: Sasl
  readonly logLevel: LogLevel
  /** Undefined: pretty on a terminal, else JSON lines. */
  readonly logFormat: 'json' | 'pretty' | undefined
  readonly shutdownTimeoutMs: number
  /** Where `run` tells how it is; undefined: nowhere. */
  readonly http?: HttpAddress
}

export type LogLevel = (typeof logLevels)[number]
export type Environment = Readonly<Record<string, string | undefined>>

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const logFormats = ['json', 'pretty'] as const
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

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
  const ssl = tls(read)
  const sasl = login(read)
  const http = httpAddress(read.text('HTTP_HOST'), read.text('HTTP_PORT'), problems)
  const connection: Connection = {
    brokers: where.brokers,
    registryUrl: where.registryUrl,
    ...(username !== undefined && { registryUsername: username }),
    ...(password !== undefined && { registryPassword: password }),
    clientId: read.text('KAFKA_CLIENT_ID') ?? 'spillway',
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    logLevel: read.choice('LOG_LEVEL', logLevels) ?? 'info',
    logFormat: read.choice('LOG_FORMAT', logFormats),
    shutdownTimeoutMs: read.milliseconds('SHUTDOWN_TIMEOUT_MS') ?? 25_000,
    ...(http && { http }),
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
}: Connection): Pick<Connection, 'brokers' | 'clientId' | 'ssl' | 'sasl'> {
  return { brokers, clientId, ...(ssl !== undefined && { ssl }), ...(sasl && { sasl }) }
}

/** The part of a connection that a registry client is made with. */
export function registryOptions({ registryUrl, registryUsername, registryPassword }: Connection): {
  url: string
  username?: string
  password?: string
} {
  return {
    url: registryUrl,
    ...(registryUsername !== undefined && { username: registryUsername }),
    ...(registryPassword !== undefined && { password: registryPassword }),
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
  const pairs = [
    [read.text('KAFKA_SASL_USERNAME'), read.secret('KAFKA_SASL_PASSWORD')],
    [read.text('SCHEMA_REGISTRY_USERNAME') ?? url.username, read.secret('SCHEMA_REGISTRY_PASSWORD')],
    [url.username, url.password],
    [undefined, read.file('KAFKA_SSL_KEY', '_PATH')],
  ]
  return pairs.flatMap(([username, value]) =>
    value === undefined ? [] : [{ value, ...(username !== undefined && { username }) }],
  )
}

/** The variables as texts. An empty one counts as not set: that is how compose files and CI leave them out. */
class Reading {
  readonly #env: Environment
  readonly problems: string[]

  constructor(env: Environment, problems: string[]) {
    this.#env = env
    this.problems = problems
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined
  }

  /** `NAME`, or the content of the file that `NAME<suffix>` names. A password is taken as it is, but for one line break at a file's end. */
  file(name: string, suffix: '_FILE' | '_PATH'): string | undefined {
    const path = this.text(name + suffix)
    const value = this.#env[name] || undefined
    if (path === undefined) return value
    if (value !== undefined) this.problems.push(`${name} and ${name}${suffix} are both set: keep one`)
    try {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined
    } catch (error) {
      this.problems.push(`${name}${suffix}: '${path}' cannot be read (${(error as { code?: string }).code})`)
      return undefined
    }
  }

  secret(name: string): string | undefined {
    return this.file(name, '_FILE')
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined || choices.includes(text as T)) return text as T | undefined
    this.problems.push(`${name} is '${text}': it must be one of ${choices.join(', ')}`)
    return undefined
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined) return undefined
    if (['true', '1', 'yes', 'on'].includes(text)) return true
    if (!['false', '0', 'no', 'off'].includes(text)) this.problems.push(`${name} is '${text}': it must be true or false`)
    return false
  }

  milliseconds(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
      this.problems.push(`${name} is '${text}': it must be a whole number of milliseconds above 0`)
    return Number(text)
  }
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

function tls(read: Reading): Tls | undefined {
  const wanted = read.flag('KAFKA_SSL')
  const ca = read.file('KAFKA_SSL_CA', '_PATH')
  const cert = read.file('KAFKA_SSL_CERT', '_PATH')
  const key = read.file('KAFKA_SSL_KEY', '_PATH')
  if ((cert === undefined) !== (key === undefined))
    read.problems.push(
      `KAFKA_SSL_${cert ? 'CERT' : 'KEY'} is set, KAFKA_SSL_${cert ? 'KEY' : 'CERT'} is not: set both, or neither`,
    )
  const any = ca !== undefined || cert !== undefined || key !== undefined
  if (wanted === false && any) read.problems.push('KAFKA_SSL is false, but certificates are given: leave out one of them')
  if (!any) return wanted ? true : undefined
  const files = { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
  return concealing(files, ['key'])
}

function login(read: Reading): Sasl | undefined {
  const mechanism = read.choice('KAFKA_SASL_MECHANISM', mechanisms)
  const username = read.text('KAFKA_SASL_USERNAME')
  const password = read.secret('KAFKA_SASL_PASSWORD')
  if (read.text('KAFKA_SASL_MECHANISM') === undefined && username === undefined && password === undefined) return undefined
  const missing = [
    read.text('KAFKA_SASL_MECHANISM') === undefined && `KAFKA_SASL_MECHANISM (${mechanisms.join(', ')})`,
    username === undefined && 'KAFKA_SASL_USERNAME',
    password === undefined && 'KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE',
  ].filter(one => one !== false)
  if (missing.length > 0) read.problems.push(`to log in with SASL, set ${missing.join(' and ')} too`)
  if (!mechanism || !username || !password) return undefined
  return concealing({ mechanism, username, password }, ['password'])
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
