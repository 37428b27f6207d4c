import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AlreadyRunning, ConfigError, messageOf, NoLocalBroker } from '../errors.ts'
import { dockerWay } from './docker.ts'
import { javaWay } from './java.ts'
import { isAlive, type Lock, takeLock } from './lock.ts'
import type { LocalStack, StackRequest, Way } from './stack.ts'

export type { LocalStack } from './stack.ts'

export interface LocalOptions {
  readonly env: NodeJS.ProcessEnv
  /** Keeps the data there across runs. Default: a fresh temp folder, removed on stop. */
  readonly dataDir?: string | undefined
  /** Called with a line for a person, now and then. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** The ways of starting a stack, in the order in which they are tried. Tests put in their own. */
export interface Ways {
  readonly docker: Way
  readonly java: Way
}

/**
 * The broker and registry that the environment names; else started here: Redpanda in Docker, else Apache Kafka on Java.
 * What was started ends with this process, however that ends.
 * Errors: ConfigError (half of the addresses), AlreadyRunning (E_ALREADY_RUNNING, same `dataDir`), NoLocalBroker
 * (E_NO_LOCAL_BROKER, with what each way lacks), LocalBrokerFailed (E_LOCAL_BROKER_FAILED).
 */
export async function startLocalStack(
  options: LocalOptions,
  ways: Ways = { docker: dockerWay(), java: javaWay },
): Promise<LocalStack> {
  const given = givenStack(options.env)
  if (given !== undefined) return given
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir)
  const lock = dataDir === undefined ? undefined : await lockData(dataDir)
  const { env, onProgress = () => {} } = options
  try {
    const stack = await startFirst(ways, { env, dataDir, onProgress, onPids: pids => lock?.note(pids) })
    return { ...stack, stop: () => stack.stop().finally(() => lock?.release()) }
  } catch (error) {
    lock?.release()
    throw error
  }
}

function givenStack(env: NodeJS.ProcessEnv): LocalStack | undefined {
  const brokers = (env.KAFKA_BROKERS ?? '')
    .split(',')
    .map(broker => broker.trim())
    .filter(broker => broker !== '')
  const registryUrl = (env.SCHEMA_REGISTRY_URL ?? '').trim().replace(/\/+$/, '')
  if (brokers.length === 0 && registryUrl === '') return undefined
  if (registryUrl === '')
    throw new ConfigError(['KAFKA_BROKERS is set, SCHEMA_REGISTRY_URL is not: set both, or neither for a local broker'])
  if (brokers.length === 0)
    throw new ConfigError(['SCHEMA_REGISTRY_URL is set, KAFKA_BROKERS is not: set both, or neither for a local broker'])
  return { brokers, registryUrl, kind: 'given', stop: async () => {} }
}

async function startFirst({ docker, java }: Ways, request: StackRequest): Promise<LocalStack> {
  let dockerLacks = await docker.lacking(request.env)
  let cause: unknown
  if (dockerLacks === undefined) {
    try {
      return await docker.start(request)
    } catch (error) {
      cause = error
      dockerLacks = `Redpanda did not start: ${firstLine(error)}`
      request.onProgress(`Docker is there, but ${dockerLacks}`)
    }
  }
  const javaLacks = await java.lacking(request.env)
  if (javaLacks === undefined) return java.start(request)
  throw new NoLocalBroker(waysOut(dockerLacks, javaLacks), cause === undefined ? {} : { cause })
}

function waysOut(docker: string, java: string): string {
  return [
    'no Kafka broker given, and none can be started here. One of these is needed:',
    '  - the addresses of a broker and a schema registry in KAFKA_BROKERS and SCHEMA_REGISTRY_URL (not set)',
    `  - a Docker engine, for Redpanda (${docker})`,
    `  - Java 17 or newer and Maven, for Apache Kafka (${java})`,
  ].join('\n')
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]!
}

/** Errors: AlreadyRunning. Waits up to 10 s for what a killed process left behind: that still has the data open. */
async function lockData(dataDir: string): Promise<Lock> {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, 'stack.lock')
  const lock = takeLock(path)
  if ('heldBy' in lock) {
    throw new AlreadyRunning(
      `process ${lock.heldBy} runs a local broker on ${dataDir}: stop it first (if it does not, remove ${path})`,
    )
  }
  const deadline = Date.now() + 10_000
  for (;;) {
    const open = lock.leftBehind.filter(isAlive)
    if (open.length === 0) return lock
    if (Date.now() > deadline) {
      lock.release()
      throw new AlreadyRunning(
        `process ${open.join(', ')}, left behind by one that was killed, has ${dataDir} open: end it first`,
      )
    }
    await new Promise(done => setTimeout(done, 50))
  }
}
