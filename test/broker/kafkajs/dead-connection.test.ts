/** A connection whose other end has gone without a word must not be used again, nor what came before it was cut. */
import { createRequire } from 'node:module'
import { createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { library } from '../../../src/broker/kafkajs/library.ts'
import { until } from '../../until.ts'

const require = createRequire(import.meta.url)

interface Connection {
  connect(): Promise<unknown>
  isConnected(): boolean
  send(protocol: object): Promise<unknown>
}

it('ends a connection on which a request was not answered in time', async () => {
  const connection = await connectTo(() => {})
  expect(connection.isConnected()).toBe(true)
  await expect(connection.send(heartbeat())).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError' })
  await until(() => !connection.isConnected(), { withinMs: 2_000, what: 'the connection to be ended' })
})

it('takes answers from their beginning, though the connection was cut in the middle of one before', async () => {
  let opened = 0
  const connection = await connectTo(socket => {
    const isFirst = ++opened === 1
    socket.on('data', request => {
      // Four bytes of length, the request's own number, no throttling and no error.
      const answer = Buffer.alloc(14)
      answer.writeInt32BE(10)
      answer.writeInt32BE(request.readInt32BE(8), 4)
      if (!isFirst) return socket.write(answer)
      socket.write(answer.subarray(0, 9), () => socket.end())
    })
  })
  await expect(connection.send(heartbeat())).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' })
  await until(() => !connection.isConnected(), { withinMs: 2_000, what: 'the connection to be ended' })
  await connection.connect()
  expect(await connection.send(heartbeat())).toMatchObject({ errorCode: 0 })
  expect(opened).toBe(2)
})

async function connectTo(onConnection: (socket: Socket) => void): Promise<Connection> {
  library()
  const server = createServer(onConnection)
  await new Promise<void>(listening => void server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  const connection = newConnection((server.address() as { port: number }).port)
  await connection.connect()
  return connection
}

function heartbeat(): object {
  const { protocol } = require('kafkajs/src/protocol/requests/heartbeat/index.js') as {
    protocol(version: { version: number }): (of: object) => object
  }
  return protocol({ version: 1 })({ groupId: 'group', groupGenerationId: 1, memberId: 'member' })
}

function newConnection(port: number): Connection {
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
