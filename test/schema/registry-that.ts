/** A registry for tests that answers as told, and whoever asks it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { connectRegistry, type RegistryOptions } from '../../src/schema/registry.ts'

interface Asked {
  what: string
  body: string
  auth: string | undefined
}

export type Answer = (asked: Asked) => [status: number, body: unknown] | ((response: ServerResponse) => void)

/** A value as JSON with its status, or a function for what is no answer. It ends with the test, or by `end`. */
export async function registryThat(answer: Answer, options: Partial<RegistryOptions> = {}) {
  const asked: Asked[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const one = { what: `${request.method} ${request.url}`, body, auth: request.headers.authorization }
      asked.push(one)
      const reply = answer(one)
      if (typeof reply === 'function') return reply(response)
      response
        .writeHead(reply[0], { 'content-type': 'application/json' })
        .end(typeof reply[1] === 'string' ? reply[1] : JSON.stringify(reply[1]))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  let ended: Promise<unknown> | undefined
  const end = () => {
    ended ??= new Promise(resolve => {
      server.close(resolve)
      server.closeAllConnections()
    })
    return ended
  }
  onTestFinished(async () => void (await end()))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const connect = (more: Partial<RegistryOptions> = {}) =>
    connectRegistry({ url: `http://${host}/ccompat/`, ...options, ...more })
  return { asked, host, end, connect, registry: connect() }
}

export const unavailable = (reason: string) =>
  expect.objectContaining({ code: 'E_REGISTRY_UNAVAILABLE', retryable: true, message: expect.stringContaining(reason) })
