/** A proxy before the registry: through it the registry can be gone, silent or broken for one process alone. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { inject, onTestFinished } from 'vitest'

export const registryFaults = ['refused', 'black hole', '500'] as const
export type RegistryFault = (typeof registryFaults)[number]

export interface RegistryProxy {
  readonly url: string
  /** What came through or was to, such as `GET /schemas/ids/7`. */
  readonly asked: readonly string[]
  break(fault: RegistryFault): Promise<void>
  mend(): Promise<void>
}

export async function startRegistryProxy(): Promise<RegistryProxy> {
  const real = inject('registryUrl')
  const { pathname } = new URL(real)
  const asked: string[] = []
  let fault: RegistryFault | undefined
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url!.slice(pathname.replace(/\/$/, '').length)
    asked.push(`${request.method} ${path}`)
    if (fault === 'black hole') return
    if (fault === '500') return void response.writeHead(500).end('out of memory')
    const body = Buffer.concat(await request.toArray())
    const given = await fetch(real + path, {
      method: request.method!,
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
      body: body.length > 0 ? body : null,
    })
    response.writeHead(given.status, { 'content-type': 'application/json' }).end(await given.text())
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  const listen = (port: number) => new Promise<void>(listening => server.listen(port, '127.0.0.1', listening))
  const close = () =>
    new Promise<unknown>(closed => {
      if (!server.listening) return closed(undefined)
      server.close(closed)
      server.closeAllConnections()
    })
  await listen(0)
  const { port } = server.address() as { port: number }
  onTestFinished(async () => void (await close()))
  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    asked,
    async break(how) {
      fault = how
      // What is kept alive would go on being answered.
      if (how === 'refused') await close()
    },
    async mend() {
      fault = undefined
      // What is in the black hole would stay there until its deadline, as in a real one.
      if (!server.listening) await listen(port)
    },
  }
}
