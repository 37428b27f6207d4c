import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LocalBrokerFailed } from '../errors.ts'
import type { Java } from './java-tools.ts'
import { type ClassArchive, type Jvm, startJvm, whenReady } from './jvm.ts'
import { spawnLeashed } from './leash.ts'
import type { Artifact } from './maven.ts'

const version = '4.3.1'

export const kafkaArtifact: Artifact = {
  title: `Apache Kafka ${version}`,
  goal: 'copy-dependencies',
  coordinates: [
    { groupId: 'org.apache.kafka', artifactId: 'kafka_2.13', version },
    { groupId: 'org.apache.kafka', artifactId: 'kafka-tools', version },
    { groupId: 'org.slf4j', artifactId: 'slf4j-simple', version: '1.7.36' },
  ],
}

export interface KafkaOptions {
  readonly java: Java
  /** Where the artifact lies. */
  readonly home: string
  /** Where this broker's folder `kafka` is kept, or made. */
  readonly data: string
  readonly temporary: string | undefined
  readonly ports: { readonly broker: number; readonly controller: number }
  readonly archive: ClassArchive
  readonly env: NodeJS.ProcessEnv
}

/** 16 bytes in base64url. The same for every local cluster: the formatted folder is made once and copied. */
const clusterId = 'U3BpbGx3YXlMb2NhbDAwMQ'

export async function launchKafka(options: KafkaOptions): Promise<Jvm> {
  const { java, home, data, temporary, env, archive } = options
  copyTemplate(home, join(data, 'kafka'))
  const properties = join(data, 'server.properties')
  writeFileSync(properties, serverProperties(join(data, 'kafka'), options.ports))
  const logging = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
  ]
  const args = ['-Xmx512m', ...logging, '-cp', join(home, '*'), 'kafka.Kafka', properties]
  return startJvm({ title: kafkaArtifact.title, java, args, env, cwd: data, archive, temporary })
}

/** Resolves when the broker serves requests. Its port answers a moment earlier. */
export function kafkaReady(jvm: Jvm): Promise<void> {
  return whenReady(jvm, jvm.wrote('Kafka Server started'), 60_000)
}

/** Makes the formatted folder that every new data folder is a copy of: formatting costs a JVM start, copying nothing. */
export async function formatTemplate(java: Java, home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const properties = join(home, 'template.properties')
  // Ports are no part of what is formatted: the voters stand in the properties file, and may change with every start.
  writeFileSync(properties, serverProperties(join(home, 'template'), { broker: 9092, controller: 9093 }))
  const lines: string[] = []
  const args = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    join(home, '*'),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    properties,
  ]
  const tool = await spawnLeashed(java.command, args, {
    env,
    orphanGraceMs: 0,
    orphanRemoves: home,
    keepsAlive: true,
    onLine: line => lines.push(line),
  })
  const { code } = await tool.exited
  if (code !== 0)
    throw new LocalBrokerFailed(`kafka.tools.StorageTool format failed (exit code ${code}):\n${lines.slice(-5).join('\n')}`)
}

function copyTemplate(home: string, target: string): void {
  if (existsSync(target)) return
  const unfinished = `${target}.new`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(join(home, 'template'), unfinished, { recursive: true })
  renameSync(unfinished, target)
}

function serverProperties(logs: string, ports: KafkaOptions['ports']): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logs,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
