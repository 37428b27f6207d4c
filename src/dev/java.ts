import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalBrokerFailed } from '../errors.ts'
import { type Installation, install, isInstalled } from './install.ts'
import { findJava, type Java, mavenLacking } from './java-tools.ts'
import type { Jvm } from './jvm.ts'
import { kafkaArtifact, kafkaReady, launchKafka } from './kafka.ts'
import { freePorts } from './ports.ts'
import { launchRegistry, registryAddress, registryArtifact, registryReady } from './registry.ts'
import type { LocalStack, StackRequest, Way } from './stack.ts'

/** Apache Kafka and Apicurio Registry as two Java processes of this machine. */
export const javaWay: Way = {
  async lacking(env) {
    if (process.platform === 'win32') return 'not made for Windows'
    const java = await findJava(env)
    const maven = isInstalled(env) ? undefined : await mavenLacking(env)
    const lacks = [typeof java === 'string' ? java : undefined, maven].filter(lack => lack !== undefined)
    return lacks.length === 0 ? undefined : lacks.join(', ')
  },
  async start(request) {
    const java = await findJava(request.env)
    if (typeof java === 'string') throw new LocalBrokerFailed(java)
    const installation = await install({ ...request, java })
    return startOn(installation, java, request)
  },
}

async function startOn(installation: Installation, java: Java, request: StackRequest): Promise<LocalStack> {
  const begun = Date.now()
  request.onProgress(`starting ${kafkaArtifact.title} and ${registryArtifact.title} (Java ${java.major})`)
  const data = request.dataDir ?? mkdtempSync(join(tmpdir(), 'spillway-'))
  mkdirSync(data, { recursive: true })
  const ports = await portsOf(data)
  const jvms: Jvm[] = []
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= end(jvms, request.dataDir === undefined ? data : undefined))
  const registryUrl = registryAddress(ports.registry)
  try {
    await launch(installation, java, request, data, ports, jvm => jvms.push(jvm))
    request.onPids(jvms.map(jvm => jvm.process.pid))
    await Promise.all([kafkaReady(jvms[0]!), registryReady(jvms[1]!, registryUrl)])
  } catch (error) {
    await stop()
    throw error
  }
  const brokers = [`127.0.0.1:${ports.broker}`]
  request.onProgress(`Kafka at ${brokers[0]}, registry at ${registryUrl} (${((Date.now() - begun) / 1_000).toFixed(1)} s)`)
  for (const jvm of jvms) tellUnexpectedEnd(jvm, () => stopping !== undefined, request.onProgress)
  return { brokers, registryUrl, kind: 'java', stop }
}

/** Both at once: the registry keeps its own data and does not wait for the broker. */
async function launch(
  { kafka, registry }: Installation,
  java: Java,
  { env, dataDir }: StackRequest,
  data: string,
  ports: Ports,
  started: (jvm: Jvm) => void,
): Promise<void> {
  const shared = { java, data, env, temporary: dataDir === undefined ? data : undefined }
  started(await launchKafka({ ...shared, ...kafka, ports }))
  started(await launchRegistry({ ...shared, ...registry, port: ports.registry }))
}

/** Data that is kept is closed properly; what goes with the stack need not be. */
async function end(jvms: readonly Jvm[], temporary: string | undefined): Promise<void> {
  await Promise.all(jvms.map(jvm => jvm.process.stop(temporary === undefined ? 10_000 : 0)))
  if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
}

function tellUnexpectedEnd(jvm: Jvm, expected: () => boolean, onProgress: (line: string) => void): void {
  void jvm.process.exited.then(({ code, signal }) => {
    if (!expected())
      onProgress(`${jvm.title} ended by itself (${signal ?? `exit code ${code}`}): ${jvm.tail.at(-1) ?? 'it said nothing'}`)
  })
}

interface Ports {
  readonly broker: number
  readonly controller: number
  readonly registry: number
}

/** The ports of the last run on this data where they are free: addresses in other tools stay right. */
async function portsOf(data: string): Promise<Ports> {
  const path = join(data, 'ports.json')
  const [broker, controller, registry] = (await freePorts(3, lastPorts(path))) as [number, number, number]
  writeFileSync(path, JSON.stringify([broker, controller, registry]))
  return { broker, controller, registry }
}

function lastPorts(path: string): number[] {
  try {
    const ports: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(ports) ? ports.filter(port => Number.isInteger(port) && port > 1023 && port < 65_536) : []
  } catch {
    return []
  }
}
