/**
 * Connections as production has them, right and wrong: TLS, mutual TLS, SCRAM, PLAIN, OAUTHBEARER and ACLs. What is right carries
 * messages; what is wrong ends at once, with its reason and the setting to look at; what becomes wrong later is waited out.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AclEntry, Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import { brokerOptions, readConnection } from '../../src/config.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import { namesOf } from '../../src/dlq/source.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { patienceMs } from '../scenarios/harness.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { around, counting, type Env, prepare, serve, spillway } from './guarded-service.ts'
import { type SecureBroker, startSecureBroker, users } from './secure-broker.ts'

const canary = (what: string) => `canary-${what}-4711`
const passwords = Object.fromEntries(Object.values(users).map(name => [name, canary(name)]))
/** A refusal must not take the most of a minute that an outage is given. */
const promptlyMs = 30_000

let secure: SecureBroker
beforeAll(async () => {
  secure = await startSecureBroker(passwords)
})
afterAll(() => secure?.stop())

const login = (mechanism: string, name: string, password = passwords[name]!): Env => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: name,
  KAFKA_SASL_PASSWORD: password,
})
const bearer = (more: Env): Env => ({
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  ...Object.fromEntries(Object.entries(more).map(([name, value]) => [`KAFKA_SASL_OAUTHBEARER_${name}`, value])),
})
const pem = (name: string): string => secure.certificates.path(name)
const trusted = (): Env => ({ KAFKA_SSL_CA_PATH: pem('ca.pem') })

/** What Kafka's unsecured validator takes: a JWS without a signature. */
function token(lifeSeconds: number): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: users.bearer, iat: now - 120, exp: now + lifeSeconds, it: canary('token') })}.`
}

type Kind = readonly [kind: string, env: () => Env]

const right: readonly Kind[] = [
  ['SCRAM-SHA-256', () => ({ KAFKA_BROKERS: secure.at.SASL, ...login('scram-sha-256', users.scram) })],
  ['SCRAM-SHA-512', () => ({ KAFKA_BROKERS: secure.at.SASL, ...login('SCRAM-SHA-512', users.scram) })],
  ['PLAIN over TLS', () => ({ KAFKA_BROKERS: secure.at.SASLTLS, ...trusted(), ...login('plain', users.plain) })],
  ['OAUTHBEARER', () => ({ KAFKA_BROKERS: secure.at.SASL, ...bearer({ TOKEN: token(600) }) })],
  ['TLS', () => ({ KAFKA_BROKERS: secure.at.TLS, KAFKA_SSL_CA: secure.certificates.ca.replaceAll('\n', '\\n') })],
  ['mutual TLS', () => ({ KAFKA_BROKERS: secure.at.MUTUAL, ...trusted(), ...clientCertificate() })],
]
const clientCertificate = (): Env => ({ KAFKA_SSL_CERT_PATH: pem('client.pem'), KAFKA_SSL_KEY: secure.certificates.client.key })

const wrong: readonly (readonly [...Kind, reason: RegExp])[] = [
  [
    'a wrong SCRAM password',
    () => ({ KAFKA_BROKERS: secure.at.SASL, ...login('scram-sha-512', users.scram, canary('no')) }),
    /invalid credentials.*KAFKA_SASL/,
  ],
  [
    'a wrong PLAIN password',
    () => ({ KAFKA_BROKERS: secure.at.SASLTLS, ...trusted(), ...login('plain', users.plain, canary('no')) }),
    /Invalid username or password.*KAFKA_SASL/,
  ],
  ['an expired token', () => ({ KAFKA_BROKERS: secure.at.SASL, ...bearer({ TOKEN: token(-60) }) }), /invalid_token.*KAFKA_SASL/],
  [
    'a mechanism that is not offered',
    () => ({ KAFKA_BROKERS: secure.at.SASL, ...login('plain', users.plain) }),
    /scram-sha-256.*KAFKA_SASL_MECHANISM/,
  ],
  [
    'SASL where there is none',
    () => ({ KAFKA_BROKERS: secure.at.PLAINTEXT, ...login('plain', users.plain) }),
    /no SASL.*KAFKA_SASL/,
  ],
  ['no SASL where it is asked for', () => ({ KAFKA_BROKERS: secure.at.SASL }), /KAFKA_SASL_MECHANISM/],
  [
    'an unknown authority',
    () => ({ KAFKA_BROKERS: secure.at.TLS, KAFKA_SSL_CA_PATH: pem('other.pem') }),
    /not trusted here.*KAFKA_SSL_CA/,
  ],
  [
    'an authority that the system does not know',
    () => ({ KAFKA_BROKERS: secure.at.TLS, KAFKA_SSL: 'true' }),
    /not trusted here.*KAFKA_SSL_CA/,
  ],
  [
    'a wrong host name',
    () => ({ KAFKA_BROKERS: secure.at.TLS.replace('127.0.0.1', 'localhost'), ...trusted() }),
    /localhost.*other host names.*KAFKA_BROKERS/,
  ],
  ['an expired certificate', () => ({ KAFKA_BROKERS: secure.at.EXPIRED, ...trusted() }), /has expired/],
  ['no client certificate', () => ({ KAFKA_BROKERS: secure.at.MUTUAL, ...trusted() }), /client certificate.*KAFKA_SSL_CERT/],
  ['TLS to a port without it', () => ({ KAFKA_BROKERS: secure.at.PLAINTEXT, ...trusted() }), /may not speak TLS.*KAFKA_SSL/],
  ['no TLS to a port with it', () => ({ KAFKA_BROKERS: secure.at.TLS }), /speaks TLS.*KAFKA_SSL/],
]

describe.concurrent('what is right', () => {
  test.each(right)('%s: a message is published and handled, and doctor finds nothing', async (_kind, env) => {
    const { processor, opened, handled } = counting()
    await prepare(processor, secure.at.PLAINTEXT)
    await using service = serve(env(), processor)
    await service.start()
    await service.client.publisher(opened).publish({ id: 'a', n: 7 })
    await until(() => handled.includes(7), { withinMs: patienceMs, what: 'the message to be handled' })

    const doctor = await spillway(['doctor'], env(), processor)
    expect(doctor).toMatchObject({ code: 0 })
    expectNoCanary(doctor.output)
  })

  test('tokens of the client-credentials flow: asked for once, refused with the reason', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const isRight = request.headers.authorization === `Basic ${btoa(`svc:${canary('secret')}`)}`
      asked.push(String(isRight))
      response
        .writeHead(isRight ? 200 : 401)
        .end(JSON.stringify(isRight ? { access_token: token(600), expires_in: 600 } : { error: 'invalid_client' }))
    })
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
    const env = (secret: string) => ({
      KAFKA_BROKERS: secure.at.SASL,
      ...bearer({ TOKEN_URL: url, CLIENT_ID: 'svc', CLIENT_SECRET: secret, SCOPE: 'kafka' }),
    })
    const { processor, opened, handled } = counting()
    await prepare(processor, secure.at.PLAINTEXT)
    await using service = serve(env(canary('secret')), processor)
    await service.start()
    await service.client.publisher(opened).publish({ id: 'a', n: 7 })
    await until(() => handled.includes(7), { withinMs: patienceMs, what: 'the message to be handled' })
    expect(asked).toEqual(['true'])

    const refused = await spillway(['doctor', '--verbose'], env(canary('no')), processor)
    expect(refused.code).toBe(5)
    expect(refused.output).toMatch(/401 invalid_client.*CLIENT_SECRET/)
    expectNoCanary(refused.output)
    server.close()
  })
})

describe.concurrent('what is wrong', () => {
  test.each(wrong)('%s is refused at once, with the reason and the setting', async (_kind, env, reason) => {
    const broker = connectKafka(brokerOptions(readConnection(around(env()))))
    const begun = performance.now()
    const refusal = await broker
      .admin()
      .brokerCount()
      .catch(error => error)
    await broker.close()
    expect(refusal).toMatchObject({ code: 'E_BROKER_REFUSED', retryable: false })
    expect(refusal.message).toMatch(reason)
    expect(refusal.message).not.toMatch(/canary/)
    expect(performance.now() - begun).toBeLessThan(promptlyMs)
  })

  test.each([wrong[0]!, wrong[6]!, wrong[11]!])('%s ends `spillway run`, and no secret is told', async (_kind, env, reason) => {
    const { processor } = counting()
    for (const [command, code] of [
      ['run', 1],
      ['doctor', 5],
    ] as const) {
      const begun = performance.now()
      const child = await spillway([command, '--verbose'], { ...env(), LOG_LEVEL: 'trace' }, processor)
      expect(child).toMatchObject({ code })
      expect(performance.now() - begun).toBeLessThan(promptlyMs)
      expect(child.output).toMatch(reason)
      expect(child.output).toContain('E_BROKER_REFUSED')
      expectNoCanary(child.output)
    }
  })

  test('a group that ACLs do not allow is refused; with what the documentation names, all works', async () => {
    const { processor, opened, handled } = counting()
    await prepare(processor, secure.at.PLAINTEXT)
    const env = { KAFKA_BROKERS: secure.at.SASL, ...login('scram-sha-256', users.guest) }
    const prefix = 4 // PREFIXED
    const allow = (resourceType: number, resourceName: string, ...operations: number[]) =>
      grant(operations.map(operation => ({ ...toGuest, resourceType, resourceName, resourcePatternType: prefix, operation })))
    await allow(2, opened.topic.name, 3, 4, 8)
    await allow(2, `${processor.name}.`, 3, 4, 8)

    await using denied = serve(env, processor)
    const begun = performance.now()
    await expect(denied.start()).rejects.toMatchObject({
      code: 'E_BROKER_REFUSED',
      message: expect.stringMatching(/GROUP_AUTHORIZATION_FAILED.*ACL Read on the group/),
    })
    expect(performance.now() - begun).toBeLessThan(promptlyMs)

    await allow(3, processor.name, 3)
    await using allowed = serve(env, processor)
    await allowed.start()
    await allowed.client.publisher(opened).publish({ id: 'a', n: 7 })
    await until(() => handled.includes(7), { withinMs: patienceMs, what: 'the message to be handled' })
  })
})

test('a redrive that ACLs do not allow is refused; with what the documentation names it works', async () => {
  const { processor } = counting()
  await prepare(processor, secure.at.PLAINTEXT)
  const { dlq } = processor.ladder
  const { transactionalId } = namesOf({ group: processor.name })
  const owner = connectKafka({ brokers: [secure.at.PLAINTEXT], clientId: 'it' })
  const origin = { topic: 'orders', partition: 0, offset: 1n, timestampMs: 0 }
  const trail = { origin, group: processor.name, attempt: 1, hop: 0, redriveCount: 0, disposition: 'exhausted' } as const
  await owner.producer().sendBatch(dlq, 0, [letterOf({ key: null, value: Buffer.from('v'), headers: [] }, trail, dlq, 0)])
  await owner.close()
  const env = { KAFKA_BROKERS: secure.at.SASL, ...login('scram-sha-256', users.guest) }
  const guest = connectKafka(brokerOptions(readConnection(around(env))))
  onTestFinished(() => guest.close())
  const redrive = () => {
    const source = { reader: guest.reader(), admin: guest.admin(), group: processor.name }
    return runRedrive(source, guest.transactionalProducer(transactionalId), { runId: 'r', who: 'w', reason: '' })
  }
  const allow = (resourceType: number, resourceName: string, ...operations: number[]) =>
    grant(operations.map(operation => ({ ...toGuest, resourceType, resourceName, resourcePatternType: 3, operation })))
  await allow(2, dlq, 3, 8)
  await allow(2, `${dlq}.moved`, 3, 4, 8)
  await allow(2, processor.ladder.immediate.topic, 4, 8)
  const begun = performance.now()
  await expect(redrive()).rejects.toMatchObject({
    code: 'E_BROKER_REFUSED',
    message: expect.stringMatching(/TRANSACTIONAL_ID_AUTHORIZATION_FAILED.*Describe and Write on the transactional id/),
  })
  expect(performance.now() - begun).toBeLessThan(promptlyMs)
  await allow(5, transactionalId, 4, 8)
  expect(await redrive()).toMatchObject({ moved: 1 })
})

describe.concurrent('what becomes wrong later', () => {
  test('a login that is refused while consuming is tried again until it is right', async () => {
    const file = secure.certificates.path(unique('token'))
    writeFileSync(file, token(600))
    const { processor, opened, handled } = counting()
    await prepare(processor, secure.at.PLAINTEXT)
    await using service = serve({ KAFKA_BROKERS: secure.at.SASL, ...bearer({ TOKEN_FILE: file }) }, processor)
    const crashes: unknown[] = []
    service.signals.on('consumer.crashed', ({ error }) => crashes.push(error))
    await service.start()
    // Every few seconds the client has to log in anew.
    writeFileSync(file, token(-60))
    await until(() => crashes.length >= 2, { withinMs: patienceMs, what: 'the consumer to break down, and its successor too' })
    expect(crashes).toContainEqual(
      expect.objectContaining({ code: 'E_BROKER_REFUSED', message: expect.stringContaining('invalid_token') }),
    )

    writeFileSync(file, token(600))
    await using other = serve({ KAFKA_BROKERS: secure.at.PLAINTEXT }, processor)
    await other.client.publisher(opened).publish({ id: 'a', n: 7 })
    await until(() => handled.includes(7), { withinMs: patienceMs, what: 'the message to be handled by the rebuilt consumer' })
  })

  test('a password that is rotated in its file is taken at the next connection', async () => {
    const file = secure.certificates.path(unique('password'))
    writeFileSync(file, `${canary('old')}\n`)
    const { KAFKA_SASL_PASSWORD: _, ...rest } = login('scram-sha-256', users.scram)
    const env = { KAFKA_BROKERS: secure.at.SASL, ...rest, KAFKA_SASL_PASSWORD_FILE: file }
    const broker = connectKafka(brokerOptions(readConnection(around(env))))
    await expect(broker.admin().brokerCount()).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
    writeFileSync(file, `${passwords[users.scram]}\n`)
    expect(await broker.admin().brokerCount()).toBe(1)
    await broker.close()
  })
})

test('`spillway run` on TLS and SASL joins, stops, and tells no secret at the lowest level', async () => {
  const { processor } = counting()
  await prepare(processor, secure.at.PLAINTEXT)
  const file = secure.certificates.path(unique('password'))
  writeFileSync(file, passwords[users.plain]!)
  const { KAFKA_SASL_PASSWORD: _, ...rest } = login('plain', users.plain)
  const env = { KAFKA_BROKERS: secure.at.SASLTLS, ...trusted(), ...rest, KAFKA_SASL_PASSWORD_FILE: file, LOG_LEVEL: 'trace' }
  const child = await spillway(['run', '--verbose'], env, processor, (line, stop) => {
    if (line.includes('consumer.joined')) stop()
  })
  expect(child).toMatchObject({ code: 0, output: expect.stringContaining('consumer.joined') })
  expectNoCanary(child.output)
})

test('`spillway doctor` warns of PLAIN without TLS, and a file that is no certificate is one clear problem', async () => {
  const { processor } = counting()
  const open = await spillway(['doctor'], { KAFKA_BROKERS: secure.at.SASL, ...login('plain', users.plain) }, processor)
  expect(open.output).toMatch(/warning: .*plain without TLS.*KAFKA_SSL/)
  expectNoCanary(open.output)
  const env = { KAFKA_BROKERS: secure.at.TLS, KAFKA_SSL_CA_PATH: pem('san.cnf') }
  const garbled = await spillway(['run'], env, processor)
  expect(garbled).toMatchObject({ code: 64 })
  expect(garbled.output.trim()).toBe(
    'error: KAFKA_SSL_CA holds no certificate in PEM form (-----BEGIN CERTIFICATE-----) (E_CONFIG)',
  )
})

const toGuest = { principal: `User:${users.guest}`, host: '*', permissionType: 3 }

async function grant(acl: readonly Omit<AclEntry, never>[]): Promise<void> {
  const admin = new Kafka({ brokers: [secure.at.PLAINTEXT], logLevel: 0 }).admin()
  await admin.connect()
  await admin.createAcls({ acl: [...acl] })
  await admin.disconnect()
}

function expectNoCanary(output: string): void {
  const secrets = [...Object.values(passwords), canary('no'), canary('secret'), canary('token')]
  const forms = secrets.flatMap(text => [text, Buffer.from(text).toString('base64'), encodeURIComponent(text)])
  for (const form of forms) expect(output).not.toContain(form)
  expect(output).not.toMatch(/eyJhbGciOiJub25lIn0|-----BEGIN [A-Z ]*PRIVATE/)
}
