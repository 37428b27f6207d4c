/** A small HTTP server that only tells: GET and HEAD of a few paths, no body read, nothing of the request believed but its path. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { AddressUnusable, codeOf } from '../errors.ts'

export interface Address {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>

export interface HttpServer {
  readonly address: Address
  /** Also ends answers that are under way. Never rejects. */
  close(): Promise<void>
}

const maxConnections = 64
const maxHeaderBytes = 8 * 1024

/** Rejects with AddressUnusable (E_ADDRESS). */
export async function serve({ host, port }: Address, routes: Routes): Promise<HttpServer> {
  const paths = new Map(Object.entries(routes))
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 },
    (request, response) => void respond(request, response, paths),
  )
  server.maxConnections = maxConnections
  server.setTimeout(10_000, socket => socket.destroy())
  await listening(server, { host, port })
  const bound = server.address()
  return {
    address: { host, port: typeof bound === 'object' && bound ? bound.port : port },
    close: () =>
      new Promise(closed => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      const reason = codeOf(error) === 'EADDRINUSE' ? 'something else listens there' : codeOf(error)
      reject(
        new AddressUnusable(
          `Cannot listen on ${host}:${port} for health and metrics: ${reason}. Set HTTP_PORT or --http to a free port`,
          {
            cause: error,
          },
        ),
      )
    })
    server.listen({ host, port }, () => {
      // From here on, an error of the server must not be an exception of the process.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** Must not reject. */
async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  paths: ReadonlyMap<string, Routes[string]>,
): Promise<void> {
  const { status, contentType, body, ...headers } = await answerOf(request, paths)
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answerOf(
  { method, url = '' }: IncomingMessage,
  paths: ReadonlyMap<string, Routes[string]>,
): Promise<Answer & { Allow?: string }> {
  if (method !== 'GET' && method !== 'HEAD') return { ...text(405, 'only GET and HEAD'), Allow: 'GET, HEAD' }
  const route = paths.get(url.split('?', 1)[0]!)
  if (!route) return text(404, `there is ${[...paths.keys()].join(', ')}`)
  try {
    return await route()
  } catch {
    return text(500, 'failed')
  }
}

function text(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` }
}
