import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { PasswordLogin } from '../src/config/sasl.ts'
import { brokerOptions, defineService, httpFlag, loadService, readConnection, secretsIn } from '../src/config.ts'
import { consumer, on, worker } from '../src/consume/processor.ts'
import type { ConfigError } from '../src/errors.ts'
import { event, job, topic } from '../src/message/definition.ts'
import { avroSchema } from '../src/message/schema.ts'

type Payload = { id: string }
const schemaOf = <Name extends string>(name: Name, field = 'id') =>
  avroSchema<Name, Payload, Payload>({
    name,
    long: 'number',
    avro: { type: 'record', name, fields: [{ name: field, type: 'string' }] },
  })
const given = { KAFKA_BROKERS: 'a:9092, b:9092', SCHEMA_REGISTRY_URL: 'http://registry:8081/' }

describe('where health is told', () => {
  const readHttp = (env: object) => readConnection({ ...given, ...env }).http

  test('is nowhere, unless a port is given; on loopback, unless a host is', () => {
    expect(readHttp({})).toBeUndefined()
    expect(readHttp({ HTTP_HOST: '0.0.0.0' })).toBeUndefined()
    expect(readHttp({ HTTP_PORT: '8080' })).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(readHttp({ HTTP_PORT: '0', HTTP_HOST: '0.0.0.0' })).toEqual({ host: '0.0.0.0', port: 0 })
  })

  test.each(['http', '-1', '65536', '8080/', '80 80', 'tcp://10.0.0.1:80'])('is not at the port %s', port => {
    expect(problemsOf(() => readHttp({ HTTP_PORT: port }))).toEqual([expect.stringContaining('HTTP_PORT')])
  })

  test('may be said on the command line', () => {
    expect(httpFlag('9000')).toEqual({ host: '127.0.0.1', port: 9000 })
    expect(httpFlag('9000', '0.0.0.0')).toEqual({ host: '0.0.0.0', port: 9000 })
    expect(httpFlag('localhost:0')).toEqual({ host: 'localhost', port: 0 })
    expect(httpFlag('[::1]:80')).toEqual({ host: '::1', port: 80 })
    for (const wrong of ['', 'billing', ':80', 'a b:80', 'u@h:80', 'h:65536', 'http://h:80'])
      expect(problemsOf(() => httpFlag(wrong))).toEqual([expect.stringContaining('--http')])
  })
})

describe('a service', () => {
  const orders = topic('orders')
  const placed = event(schemaOf('Placed'), { topic: orders, key: 'id' })
  const cancelled = event(schemaOf('Cancelled'), { topic: orders, key: 'id' })
  const mail = job(schemaOf('Mail'), { topic: 'mails', key: 'id' })
  const nothing = () => {}

  test('takes in the messages that its processors handle, each once', () => {
    const service = defineService({
      name: 'shop',
      messages: [placed],
      processors: [consumer('spend', [on(placed, nothing), on(cancelled, nothing)]), worker('mailer', mail, nothing)],
    })
    expect(service.messages).toEqual([placed, cancelled, mail])
    expect(Object.isFrozen(service)).toBe(true)
    expect(Object.isFrozen(service.messages)).toBe(true)
  })

  test('reports every problem at once', () => {
    const problems = problemsOf(() =>
      defineService({
        name: 'shop',
        messages: [event(schemaOf('Other'), { topic: topic('orders', { partitions: 3 }), key: 'id' })],
        processors: [
          consumer('spend', [on(placed, nothing)]),
          consumer('spend', [on(placed, nothing)]),
          worker('a', mail, nothing),
          worker('b', mail, nothing),
        ],
      }),
    )
    expect(problems).toEqual([
      expect.stringContaining("two processors are called 'spend'"),
      expect.stringContaining("topic 'orders' is defined in 2 different ways"),
      expect.stringContaining('job Mail on mails has the workers a and b'),
    ])
  })

  test('refuses a second type on a topic of one type, naming the way out', () => {
    const messages = [
      event(schemaOf('Placed'), { topic: 'orders', key: 'id' }),
      event(schemaOf('Cancelled'), { topic: 'orders', key: 'id' }),
    ]
    expect(problemsOf(() => defineService({ name: 'shop', messages }))).toEqual([
      expect.stringMatching(/Placed and Cancelled.*define it with topic\('orders'\)/),
    ])
  })

  test.each(['spend.dlq', 'spend.dlq.moved', 'spend.retry.5s', 'spend.retry.0s'])(
    'refuses the source topic %s beside the group spend',
    name => {
      const source = event(schemaOf('Placed'), { topic: name, key: 'id' })
      expect(
        problemsOf(() => defineService({ name: 'shop', processors: [consumer('spend', [on(source, nothing)])] })),
      ).toHaveLength(1)
    },
  )

  test('refuses a source topic that the group would drain as a former tier', () => {
    const source = event(schemaOf('Placed'), { topic: 'spend.retry.77s', key: 'id' })
    expect(problemsOf(() => defineService({ name: 'shop', processors: [consumer('spend', [on(source, nothing)])] }))).toEqual([
      expect.stringContaining("topic 'spend.retry.77s' would be taken for a retry tier of consumer 'spend'"),
    ])
  })

  test('refuses names that Kafka takes for the same', () => {
    const messages = [
      event(schemaOf('A'), { topic: 'my.orders', key: 'id' }),
      event(schemaOf('B'), { topic: 'my_orders', key: 'id' }),
    ]
    expect(problemsOf(() => defineService({ name: 'shop', messages }))).toEqual([
      expect.stringContaining('Kafka takes for the same'),
    ])
  })

  test('refuses one type of one topic with two keys', () => {
    const avro = {
      type: 'record',
      name: 'P',
      fields: [
        { name: 'a', type: 'string' },
        { name: 'b', type: 'string' },
      ],
    }
    const schema = avroSchema<'P', { a: string; b: string }, unknown>({ name: 'P', long: 'number', avro })
    const messages = [event(schema, { topic: orders, key: 'a' }), event(schema, { topic: orders, key: 'b' })]
    expect(problemsOf(() => defineService({ name: 'shop', messages }))).toEqual([
      expect.stringContaining('P on orders is defined in 2 different ways'),
    ])
  })

  test('says where an import cycle left a hole', () => {
    const messages = [placed, undefined as unknown as typeof placed]
    expect(problemsOf(() => defineService({ name: 'shop', messages }))).toEqual([
      expect.stringContaining('messages[1] is no event or job'),
    ])
  })
})

describe('the connection', () => {
  test('comes from the environment', () => {
    const settings = { KAFKA_CLIENT_ID: 'c', LOG_FORMAT: 'json', SHUTDOWN_TIMEOUT_MS: '10', KAFKA_MAX_BATCH_BYTES: '99' }
    expect(brokerOptions(readConnection({ ...given, ...settings })).batchLimits).toEqual({ maxBytes: 99 })
    expect({ ...readConnection({ ...given, ...settings }) }).toEqual({
      brokers: ['a:9092', 'b:9092'],
      registryUrl: 'http://registry:8081',
      registryCache: join(process.cwd(), '.spillway', 'schemas'),
      clientId: 'c',
      logLevel: 'info',
      logFormat: 'json',
      shutdownTimeoutMs: 10,
      warnings: [],
      maxBatchBytes: 99,
    })
    expect(readConnection({ KAFKA_BOOTSTRAP_SERVERS: 'x:1', SCHEMA_REGISTRY_URL: 'http://r' }).brokers).toEqual(['x:1'])
  })

  test('comes from the local stack only when neither address is given', () => {
    const fallback = { brokers: ['local:1'], registryUrl: 'http://local' }
    expect(readConnection({ KAFKA_BROKERS: '' }, fallback).brokers).toEqual(['local:1'])
    expect(readConnection(given, fallback).brokers).toEqual(['a:9092', 'b:9092'])
    expect(problemsOf(() => readConnection({ KAFKA_BROKERS: 'a:1' }, fallback))).toEqual([
      expect.stringContaining('SCHEMA_REGISTRY_URL is not'),
    ])
    expect(problemsOf(() => readConnection({ SCHEMA_REGISTRY_URL: 'http://r' }, fallback))).toEqual([
      expect.stringContaining('KAFKA_BROKERS is not'),
    ])
    expect(problemsOf(() => readConnection({}))).toEqual([expect.stringMatching(/set KAFKA_BROKERS.*spillway dev/)])
  })

  test('reports every problem at once', () => {
    const env = {
      ...given,
      KAFKA_BROKERS: 'nohost',
      KAFKA_SSL: 'maybe',
      KAFKA_SSL_CERT: 'pem',
      KAFKA_SASL_MECHANISM: 'gssapi',
      LOG_LEVEL: 'loud',
      SHUTDOWN_TIMEOUT_MS: '0',
      SCHEMA_REGISTRY_PASSWORD_FILE: '/nowhere/at/all',
    }
    const problems = problemsOf(() => readConnection(env))
    for (const name of [
      'KAFKA_BROKERS',
      'KAFKA_SSL is',
      'KAFKA_SSL_KEY',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD',
      'LOG_LEVEL',
      'SHUTDOWN_TIMEOUT_MS',
      'SCHEMA_REGISTRY_PASSWORD_FILE',
    ])
      expect(problems).toContainEqual(expect.stringContaining(name))
  })

  test('reads passwords from files, without the line break at the end', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'spillway-')), 'password')
    writeFileSync(file, ' pass word \n')
    const env = { ...given, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD_FILE: file }
    const { sasl } = readConnection(env)
    expect(sasl).toMatchObject({ mechanism: 'scram-sha-256', username: 'u' })
    const { password } = sasl as PasswordLogin
    expect(password()).toBe(' pass word ')
    writeFileSync(file, 'rotated')
    expect(password()).toBe('rotated')
    rmSync(file)
    expect(password()).toBe('rotated')
  })

  test('shows no secret when it is printed, logged or made JSON of', () => {
    const env = {
      KAFKA_BROKERS: 'a:1',
      SCHEMA_REGISTRY_URL: 'http://me:in%3Durl@r',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'canary-sasl',
    }
    const connection = readConnection(env)
    expect(connection.registryPassword).toBe('in=url')
    for (const text of [
      JSON.stringify({ connection }),
      inspect({ connection }, { depth: 9 }),
      `${connection}`,
      JSON.stringify({ ...connection }.sasl),
    ])
      expect(text).not.toMatch(/canary|in=url|in%3Durl/)
    expect(secretsIn(env).map(({ value }) => value)).toEqual(expect.arrayContaining(['canary-sasl', 'in=url']))
  })

  test('does not repeat credentials in its complaints', () => {
    const env = { KAFKA_BROKERS: 'user:canary@host', SCHEMA_REGISTRY_URL: 'ftp://me:canary@host' }
    expect(problemsOf(() => readConnection(env)).join()).not.toContain('canary')
  })
})

describe('the file of a service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-'))
  const written = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  test('is known by its shape', async () => {
    const path = written('good.mjs', `export default { kind: 'service', name: 'shop', messages: [], processors: [] }`)
    expect((await loadService(path)).name).toBe('shop')
  })

  test.each([
    ['none.mjs', 'export const a = 1', /no default export/],
    ['wrong.mjs', 'export default 7', /default export is something else/],
    ['throws.mjs', `throw new TypeError('boom')`, /throws\.mjs cannot be loaded: TypeError: boom/],
  ])('%s is refused', async (name, text, words) => {
    const error = await loadService(written(name, text)).then(
      () => undefined,
      (thrown: ConfigError) => thrown,
    )
    expect(error).toMatchObject({ code: 'E_CONFIG', message: expect.stringMatching(words) })
  })

  test('is asked for when it is missing', async () => {
    await expect(loadService(join(folder, 'nowhere.ts'))).rejects.toMatchObject({ code: 'E_CONFIG' })
  })
})

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    expect(error).toMatchObject({ code: 'E_CONFIG' })
    return (error as ConfigError).problems
  }
  return []
}
