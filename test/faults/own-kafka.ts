/** Brokers of a test's own, as Java processes with data that outlives them: to be killed, frozen and started again. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Installation, install } from '../../src/dev/install.ts'
import { javaWay } from '../../src/dev/java.ts'
import { findJava, type Java } from '../../src/dev/java-tools.ts'
import { type Jvm, startJvm, whenReady } from '../../src/dev/jvm.ts'
import { freePorts } from '../../src/dev/ports.ts'

export interface OwnBroker {
  readonly address: string
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
  /** On the same data and ports. Resolves when it serves requests. */
  start(): Promise<void>
  /** SIGSTOP: its connections stay, nothing answers. */
  freeze(): void
  thaw(): void
}

export interface OwnOptions {
  readonly nodes?: number
  readonly heap?: string
  /** What clients are told to connect to, given where the broker listens. Default: there. */
  readonly advertised?: (port: number) => Promise<number> | number
}

/** Started; ended, with their data, when the test ends. They need Java 17 and Maven, whatever runs the shared broker. */
export async function startOwnKafka({
  nodes = 1,
  heap = '384m',
  advertised = port => port,
}: OwnOptions = {}): Promise<OwnBroker[]> {
  const lacks = await javaWay.lacking(process.env)
  if (lacks !== undefined) throw new Error(`brokers that can be killed are Java processes of this machine: ${lacks}`)
  const java = (await findJava(process.env)) as Java
  const installation = await install({ env: process.env, java, onProgress: line => console.error(line) })
  const folder = mkdtempSync(join(tmpdir(), 'it-kafka-'))
  // Registered first, so run last: hooks run in reverse.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const ports = await freePorts(nodes * 2)
  const voters = Array.from({ length: nodes }, (_, i) => `${i + 1}@127.0.0.1:${ports[nodes + i]}`).join(',')
  const brokers: OwnBroker[] = []
  for (let i = 0; i < nodes; i++) {
    const port = ports[i]!
    const told = { id: i + 1, nodes, voters, port, controller: ports[nodes + i]!, advertised: await advertised(port) }
    brokers.push(newBroker(join(folder, String(i + 1)), told, { java, installation, heap }))
  }
  await Promise.all(brokers.map(broker => broker.start()))
  return brokers
}

interface Node {
  readonly id: number
  readonly nodes: number
  readonly voters: string
  readonly port: number
  readonly controller: number
  readonly advertised: number
}

function newBroker(
  data: string,
  node: Node,
  { java, installation, heap }: { java: Java; installation: Installation; heap: string },
): OwnBroker {
  const { home, archive } = installation.kafka
  const logs = join(data, 'kafka')
  mkdirSync(data)
  cpSync(join(home, 'template'), logs, { recursive: true })
  const meta = join(logs, 'meta.properties')
  const directory = Buffer.alloc(16, node.id).toString('base64url')
  const text = readFileSync(meta, 'utf8')
  writeFileSync(
    meta,
    text.replace(/^node\.id=.*/m, `node.id=${node.id}`).replace(/^directory\.id=.*/m, `directory.id=${directory}`),
  )
  const properties = join(data, 'server.properties')
  writeFileSync(properties, propertiesOf(logs, node))
  const logging = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
  ]
  const args = [`-Xmx${heap}`, ...logging, '-cp', join(home, '*'), 'kafka.Kafka', properties]
  let jvm: Jvm | undefined
  onTestFinished(async () => void (await jvm?.process.stop(0)))
  return {
    address: `127.0.0.1:${node.advertised}`,
    async start() {
      jvm = await startJvm({ title: 'Kafka', java, args, env: process.env, cwd: data, archive, temporary: data })
      await whenReady(jvm, jvm.wrote('Kafka Server started'), 90_000)
    },
    kill: async () => void (await jvm?.process.stop(0)),
    freeze: () => void jvm?.process.kill('SIGSTOP'),
    thaw: () => void jvm?.process.kill('SIGCONT'),
  }
}

function propertiesOf(logs: string, { id, nodes, voters, port, controller, advertised }: Node): string {
  const replicas = Math.min(nodes, 3)
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logs,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'default.replication.factor': replicas,
    'min.insync.replicas': Math.min(replicas, 2),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(replicas, 2),
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': Math.min(replicas, 2),
    // A dead broker is noticed sooner than after the usual 9 s.
    'broker.session.timeout.ms': 6_000,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
