/** How the environment says that brokers are reached safely, and what it may not say. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConnection, registryOptions, secretsIn, type Tls } from '../src/config.ts'
import type { ConfigError } from '../src/errors.ts'
import { type Certificates, makeCertificates } from './security/certificates.ts'

const given = { KAFKA_BROKERS: 'a:1', SCHEMA_REGISTRY_URL: 'http://registry' }
const folder = mkdtempSync(join(tmpdir(), 'connection-'))
let pem: Certificates
beforeAll(async () => {
  pem = await makeCertificates(folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConnection({ ...given, ...env })
  } catch (error) {
    return (error as ConfigError).problems
  }
  return []
}

describe('certificates', () => {
  test('come from texts and from files, which are read again', () => {
    const file = join(folder, 'rotating.pem')
    writeFileSync(file, pem.ca)
    const oneLine = pem.client.key.replaceAll('\n', '\\n')
    const { ssl } = readConnection({ ...given, KAFKA_SSL_CA_PATH: file, KAFKA_SSL_CERT: pem.client.cert, KAFKA_SSL_KEY: oneLine })
    const { ca, cert, key } = ssl as Exclude<Tls, true>
    expect([ca!(), cert!(), key!()].map(text => text.trim())).toEqual(
      [pem.ca, pem.client.cert, pem.client.key].map(text => text.trim()),
    )
    writeFileSync(file, pem.otherCa)
    expect(ca!().trim()).toBe(pem.otherCa.trim())
  })

  test.each([
    ['an authority that is none', () => ({ KAFKA_SSL_CA: 'nonsense' }), 'KAFKA_SSL_CA holds no certificate'],
    ['a torn authority', () => ({ KAFKA_SSL_CA: pem.ca.slice(0, 300) }), 'KAFKA_SSL_CA holds no certificate'],
    [
      'a key for a certificate',
      () => ({ KAFKA_SSL_CERT: pem.client.key, KAFKA_SSL_KEY: pem.client.key }),
      'KAFKA_SSL_CERT holds no certificate',
    ],
    [
      'a torn key',
      () => ({ KAFKA_SSL_CERT: pem.client.cert, KAFKA_SSL_KEY: pem.client.key.replace(/.{40}/, '') }),
      'KAFKA_SSL_KEY holds no private key',
    ],
    [
      'the key of another',
      () => ({ KAFKA_SSL_CERT: pem.client.cert, KAFKA_SSL_KEY: pem.broker.key }),
      'KAFKA_SSL_KEY is not the key of',
    ],
    [
      'a file that is not there',
      () => ({ KAFKA_SSL_CERT: pem.client.cert, KAFKA_SSL_KEY_PATH: '/nowhere' }),
      'KAFKA_SSL_KEY_PATH: ',
    ],
    ['an empty file', () => ({ KAFKA_SSL_CA_PATH: '/dev/null' }), 'KAFKA_SSL_CA_PATH: '],
    ['a certificate without its key', () => ({ KAFKA_SSL_CERT: pem.client.cert }), 'KAFKA_SSL_CERT is set, KAFKA_SSL_KEY is not'],
  ])('%s is one clear problem', (_what, env, problem) => {
    expect(problemsOf(env())).toEqual([expect.stringContaining(problem)])
  })
})

describe('OAUTHBEARER', () => {
  const bearer = { KAFKA_SASL_MECHANISM: 'oauthbearer' }
  const at = { KAFKA_SASL_OAUTHBEARER_TOKEN_URL: 'https://login/token', KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'me' }

  test('is a token, or what is needed to ask for one', () => {
    const { sasl } = readConnection({ ...given, ...bearer, KAFKA_SASL_OAUTHBEARER_TOKEN: 'it' })
    expect(sasl).toMatchObject({ mechanism: 'oauthbearer', token: expect.any(Function) })
    const asked = { ...at, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 's', KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka' }
    expect(readConnection({ ...given, ...bearer, ...asked }).sasl).toMatchObject({
      tokenUrl: 'https://login/token',
      clientId: 'me',
      scope: 'kafka',
    })
  })

  test.each([
    [bearer, 'KAFKA_SASL_OAUTHBEARER_TOKEN, '],
    [{ ...bearer, ...at }, 'CLIENT_SECRET'],
    [{ ...bearer, ...at, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 's', KAFKA_SASL_OAUTHBEARER_TOKEN: 't' }, 'keep one'],
    [{ ...bearer, KAFKA_SASL_OAUTHBEARER_TOKEN_FILE: '/nowhere' }, 'KAFKA_SASL_OAUTHBEARER_TOKEN_FILE: '],
    [{ KAFKA_SASL_OAUTHBEARER_TOKEN: 't' }, 'must be oauthbearer'],
    [
      { ...bearer, ...at, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 's', KAFKA_SASL_OAUTHBEARER_TOKEN_URL: 'https://u:canary@login' },
      'TOKEN_URL is no',
    ],
  ])('%o is one clear problem', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)])
    expect(problemsOf(env).join()).not.toContain('canary')
  })
})

test('a password or token that crosses the network readable is a warning; SCRAM and TLS are none', () => {
  const warnings = (env: Record<string, string>) => readConnection({ ...given, ...env }).warnings
  const login = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'canary' }
  expect(warnings({ ...login, KAFKA_SASL_MECHANISM: 'plain' })).toEqual([expect.stringMatching(/plain without TLS.*KAFKA_SSL/)])
  expect(warnings({ ...login, KAFKA_SASL_MECHANISM: 'plain', KAFKA_SSL: 'true' })).toEqual([])
  expect(warnings({ ...login, KAFKA_SASL_MECHANISM: 'scram-sha-512' })).toEqual([])
  expect(warnings({ KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_SASL_OAUTHBEARER_TOKEN: 't' })).toEqual([
    expect.stringContaining('token'),
  ])
})

test('no secret shows when a connection is printed, and each is known for taking out', () => {
  const env = {
    ...given,
    KAFKA_SSL_CERT: pem.client.cert,
    KAFKA_SSL_KEY: pem.client.key,
    KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAFKA_SASL_OAUTHBEARER_TOKEN_URL: 'https://login/token',
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'me',
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'canary-secret',
  }
  const connection = readConnection(env)
  for (const text of [
    JSON.stringify({ connection }),
    inspect({ connection }, { depth: 9 }),
    JSON.stringify({ ...connection }.sasl),
  ])
    expect(text).not.toMatch(/canary|PRIVATE KEY/)
  const secrets = secretsIn({ ...env, KAFKA_SASL_OAUTHBEARER_TOKEN: 'canary-token' })
  expect(secrets).toEqual(
    expect.arrayContaining([{ value: 'canary-secret', username: 'me' }, { value: 'canary-token' }, { value: pem.client.key }]),
  )
})

test('schemas are kept in the working folder, or where it says, or nowhere; not those of a local stack', () => {
  const folderOf = (env: Record<string, string>, fallback?: { brokers: string[]; registryUrl: string }) =>
    registryOptions(readConnection(env, fallback)).folder
  const local = { brokers: ['a:1'], registryUrl: 'http://registry' }
  expect(folderOf(given)).toBe(join(process.cwd(), '.spillway', 'schemas'))
  expect(folderOf({ ...given, SCHEMA_REGISTRY_CACHE: '/var/schemas' })).toBe('/var/schemas')
  expect(folderOf({ ...given, SCHEMA_REGISTRY_CACHE: 'OFF' })).toBeUndefined()
  expect(folderOf({}, local)).toBeUndefined()
  expect(folderOf({ SCHEMA_REGISTRY_CACHE: '/var/schemas' }, local)).toBe('/var/schemas')
})
