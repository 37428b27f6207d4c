import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Distinct ports of 127.0.0.1 on which nobody listens. `wished` ones come first, where they are free.
 * Taken below the range that systems give to outgoing connections, so that none slips in before a JVM listens.
 */
export async function freePorts(count: number, wished: readonly number[] = []): Promise<number[]> {
  const found: number[] = []
  for (const port of wished) if (found.length < count && !found.includes(port) && (await isFree(port))) found.push(port)
  while (found.length < count) {
    const port = randomInt(20_000, 32_000)
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
