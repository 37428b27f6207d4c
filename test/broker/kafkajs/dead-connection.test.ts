/** A connection whose other end has gone without a word must not be used again. */
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { library } from '../../../src/broker/kafkajs/library.ts'
import { until } from '../../until.ts'

interface Connection {
  connect(): Promise<unknown>
  isConnected(): boolean
  send(protocol: object): Promise<unknown>
}

it('ends a connection on which a request was not answered in time', async () => {
  library()
  const require = createRequire(import.meta.url)
  const server = createServer(() => {})
  await new Promise<void>(listening => void server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const connection = newConnection(require, port)
  await connection.connect()
  expect(connection.isConnected()).toBe(true)

  const heartbeat = require('kafkajs/src/protocol/requests/heartbeat/index.js') as {
    protocol(version: { version: number }): (of: object) => object
  }
  const request = heartbeat.protocol({ version: 1 })({ groupId: 'group', groupGenerationId: 1, memberId: 'member' })
  await expect(connection.send(request)).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError' })
  await until(() => !connection.isConnected(), { withinMs: 2_000, what: 'the connection to be ended' })
})

function newConnection(require: NodeJS.Require, port: number): Connection {
  const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => Connection
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => quiet }
  const socketFactory = require('kafkajs/src/network/socketFactory.js') as () => unknown
  return new Connection({
    host: '127.0.0.1',
    port,
    logger: quiet,
    socketFactory: socketFactory(),
    requestTimeout: 100,
    connectionTimeout: 1_000,
  })
}
