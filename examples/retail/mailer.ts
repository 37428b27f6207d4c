/**
 * A mail server that misbehaves in a way that can be counted. With n the digits of the order's number: it refuses every order with n
 * divisible by 100, and is not available for the first two posts of one with n divisible by 10 but not by 100.
 *
 * `node examples/retail/mailer.ts` runs it by itself.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface Mailer {
  readonly url: string
  close(): Promise<void>
}

/** Port 0 takes a free one. */
export async function startMailer(port = 0): Promise<Mailer> {
  const answer = answers()
  const server = createServer((request, response) => {
    orderOf(request).then(
      orderId => response.writeHead(answer(orderId)).end(),
      () => response.writeHead(400).end(),
    )
  })
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(port, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(closed => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

/** The status for each post of an order, one post after another. */
export function answers(): (orderId: string) => 200 | 422 | 503 {
  const posts = new Map<string, number>()
  return orderId => {
    const digits = orderId.replace(/\D/g, '')
    // Not Number(digits): beyond 2^53 it rounds, and what it rounds to may be divisible.
    const n = digits === '' ? 1n : BigInt(digits)
    if (n % 100n === 0n) return 422
    if (n % 10n !== 0n) return 200
    const count = (posts.get(orderId) ?? 0) + 1
    posts.set(orderId, count)
    return count <= 2 ? 503 : 200
  }
}

async function orderOf(request: IncomingMessage): Promise<string> {
  const { orderId } = (await json(request)) as { orderId?: unknown }
  if (typeof orderId !== 'string') throw new TypeError('a receipt has an orderId')
  return orderId
}

if (import.meta.main) console.log(`mail server at ${(await startMailer(Number(process.env.PORT ?? 8025))).url}`)
