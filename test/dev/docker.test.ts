import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dockerWay, type Engine } from '../../src/dev/docker.ts'
import type { StackRequest } from '../../src/dev/stack.ts'

let server: Server
let level: string
let status: number
const calls: string[] = []

/** Redpanda's admin API and registry, as far as they are asked. */
beforeEach(async () => {
  calls.length = 0
  level = 'BACKWARD'
  status = 200
  server = createServer(async (request: IncomingMessage, response) => {
    const body = await text(request)
    calls.push(`${request.method} ${request.url} ${body}`.trim())
    response.writeHead(request.url === '/config' ? 200 : status).end(JSON.stringify({ compatibilityLevel: level }))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
})
afterEach(() => server.close())

function engine(overrides: Partial<Engine> = {}): () => Promise<Engine> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: Engine = {
    find: async () => {},
    startRedpanda: async (image, volume) => {
      calls.push(`start ${image} ${volume}`)
      return {
        getBootstrapServers: () => 'localhost:32768',
        getSchemaRegistryAddress: () => `${url}/`,
        getAdminAddress: () => url,
        stop: async () => calls.push('stop'),
      }
    },
    ...overrides,
  }
  return async () => fake
}

const request: StackRequest = { env: {}, dataDir: undefined, onProgress: () => {}, onPids: () => {} }

describe('Docker', () => {
  test('is lacking without the packages, without an engine, or with one that does not answer in time', async () => {
    expect(await dockerWay(() => Promise.reject(new Error('no module'))).lacking({})).toContain('testcontainers')
    expect(await dockerWay(engine({ find: () => Promise.reject(new Error('no socket')) })).lacking({})).toBe('no engine answers')
    expect(await dockerWay(engine({ find: () => new Promise(() => {}) }), 20).lacking({})).toBe('no engine answers')
    expect(await dockerWay(engine()).lacking({})).toBeUndefined()
  })

  test('starts Redpanda without topics by accident and with a compatibility rule', async () => {
    const stack = await dockerWay(engine()).start(request)
    expect(stack).toMatchObject({ brokers: ['localhost:32768'], registryUrl: expect.stringMatching(/\d$/), kind: 'docker' })
    await Promise.all([stack.stop(), stack.stop()])
    expect(calls).toEqual([
      expect.stringMatching(/^start redpandadata\/redpanda:v[\d.]+ undefined$/),
      expect.stringMatching(/^PUT \/v1\/cluster_config .*"auto_create_topics_enabled":false/),
      'GET /config',
      'PUT /config {"compatibility":"BACKWARD_TRANSITIVE"}',
      'stop',
    ])
  })

  test('leaves a rule that somebody set, keeps data in a volume of the folder, takes another image', async () => {
    level = 'FULL'
    await dockerWay(engine()).start({ ...request, dataDir: '/project/data', env: { SPILLWAY_REDPANDA_IMAGE: 'mine:1' } })
    expect(calls[0]).toMatch(/^start mine:1 spillway-[0-9a-f]{12}$/)
    expect(calls).not.toContainEqual(expect.stringContaining('PUT /config'))
  })

  test('stops the container when it cannot be set up', async () => {
    status = 500
    await expect(dockerWay(engine()).start(request)).rejects.toThrow('500')
    expect(calls.at(-1)).toBe('stop')
  })
})
