/** A Kafka of its own with the listeners that production has: TLS, mutual TLS, SASL with and without TLS, and an authorizer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install } from '../../src/dev/install.ts'
import { findJava } from '../../src/dev/java-tools.ts'
import { startJvm, whenReady } from '../../src/dev/jvm.ts'
import { spawnLeashed } from '../../src/dev/leash.ts'
import { freePorts } from '../../src/dev/ports.ts'
import { type Certificates, makeCertificates, type Signed } from './certificates.ts'

const listeners = ['PLAINTEXT', 'CONTROLLER', 'SASL', 'SASLTLS', 'TLS', 'MUTUAL', 'EXPIRED'] as const
type Listener = (typeof listeners)[number]

export interface SecureBroker {
  /** `127.0.0.1:port` */
  readonly at: Readonly<Record<Listener, string>>
  readonly certificates: Certificates
  stop(): Promise<void>
}

/** All may do everything but `guest`, who may do what ACLs allow. */
export const users = { scram: 'alice', plain: 'bob', bearer: 'carol', guest: 'guest' }

const loginModules = 'org.apache.kafka.common.security'

/** Passwords of `users`, by name. */
export async function startSecureBroker(passwords: Readonly<Record<string, string>>): Promise<SecureBroker> {
  const java = await findJava(process.env)
  if (typeof java === 'string') throw new Error(java)
  const { kafka } = await install({ env: process.env, java, onProgress: () => {} })
  const data = mkdtempSync(join(tmpdir(), 'it-secure-'))
  const remove = () => rmSync(data, { recursive: true, force: true, maxRetries: 5 })
  try {
    const certificates = await makeCertificates(data)
    const ports = await freePorts(listeners.length)
    const at = Object.fromEntries(listeners.map((name, i) => [name, `127.0.0.1:${ports[i]}`])) as Record<Listener, string>
    const properties = join(data, 'server.properties')
    writeFileSync(properties, lines(settings(join(data, 'kafka'), at, certificates, passwords)))
    const classes = [
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
      '-cp',
      join(kafka.home, '*'),
    ]
    await format(java.command, classes, properties, passwords)
    const args = ['-Xmx384m', ...classes, 'kafka.Kafka', properties]
    const jvm = await startJvm({
      title: 'the secure broker',
      java,
      args,
      env: process.env,
      cwd: data,
      archive: kafka.archive,
      temporary: data,
    })
    await whenReady(jvm, jvm.wrote('Kafka Server started'), 60_000)
    const stop = async () => {
      await jvm.process.stop(0)
      remove()
    }
    return { at, certificates, stop }
  } catch (error) {
    remove()
    throw error
  }
}

/** SCRAM users are part of what is formatted. */
async function format(
  java: string,
  classes: string[],
  properties: string,
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  const said: string[] = []
  const scram = [users.scram, users.guest].flatMap(name =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${passwords[name]}]`,
    ]),
  )
  const args = [
    '-XX:TieredStopAtLevel=1',
    ...classes,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'U3BpbGx3YXlTZWN1cmUwMQ',
    '-c',
    properties,
    ...scram,
  ]
  const tool = await spawnLeashed(java, args, { onLine: line => said.push(line), keepsAlive: true, orphanGraceMs: 0 })
  const { code } = await tool.exited
  if (code !== 0) throw new Error(`formatting failed (exit code ${code}):\n${said.join('\n')}`)
}

function settings(
  logs: string,
  at: Readonly<Record<Listener, string>>,
  { ca, broker, expired }: Certificates,
  passwords: Readonly<Record<string, string>>,
): Record<string, string | number | boolean> {
  const addresses = listeners.map(name => `${name}://${at[name]}`)
  const superUsers = ['ANONYMOUS', users.scram, users.plain, users.bearer, 'CN=service']
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${at.CONTROLLER}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: addresses.join(','),
    'advertised.listeners': addresses.filter(address => !address.startsWith('CONTROLLER')).join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,TLS:SSL,MUTUAL:SSL,EXPIRED:SSL',
    ...certificate('sasltls', broker),
    ...certificate('tls', broker),
    ...certificate('expired', expired),
    ...certificate('mutual', broker),
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.mutual.ssl.truststore.type': 'PEM',
    'listener.name.mutual.ssl.truststore.certificates': ca,
    ...logins('sasl', ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']),
    ...logins('sasltls', ['PLAIN', 'SCRAM-SHA-512']),
    'listener.name.sasltls.plain.sasl.jaas.config': `${loginModules}.plain.PlainLoginModule required user_${users.plain}="${passwords[users.plain]}";`,
    'listener.name.sasl.oauthbearer.sasl.jaas.config': `${loginModules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    // A session ends with its token, and after this time: then the client has to log in again.
    'listener.name.sasl.oauthbearer.connections.max.reauth.ms': 6_000,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': superUsers.map(name => `User:${name}`).join(';'),
    'log.dirs': logs,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 2,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 2,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
  }
}

function certificate(listener: string, { cert, key }: Signed): Record<string, string> {
  const store = `listener.name.${listener}.ssl.keystore`
  return { [`${store}.type`]: 'PEM', [`${store}.certificate.chain`]: cert, [`${store}.key`]: key }
}

function logins(listener: string, mechanisms: readonly string[]): Record<string, string> {
  const scram = mechanisms.filter(name => name.startsWith('SCRAM'))
  return {
    [`listener.name.${listener}.sasl.enabled.mechanisms`]: mechanisms.join(','),
    ...Object.fromEntries(
      scram.map(name => [
        `listener.name.${listener}.${name.toLowerCase()}.sasl.jaas.config`,
        `${loginModules}.scram.ScramLoginModule required;`,
      ]),
    ),
  }
}

/** A value with line breaks, such as a PEM text, goes on behind a backslash. */
function lines(all: Record<string, string | number | boolean>): string {
  return Object.entries(all)
    .map(([name, value]) => `${name}=${String(value).trim().replaceAll('\n', '\\n\\\n')}\n`)
    .join('')
}
