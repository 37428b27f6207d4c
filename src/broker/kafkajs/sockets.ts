import * as net from 'node:net'
import * as tls from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** PEM texts, asked at every connection: certificates are rotated. `true` trusts the system's authorities. */
export type Tls = true | { readonly ca?: () => string; readonly cert?: () => string; readonly key?: () => string }

export interface Sockets {
  readonly open: ISocketFactory
  /** Ends what kafkajs has forgotten: it drops a broker it cannot reach from its books without closing the connection. */
  destroy(): void
}

export function newSockets(ssl: Tls | undefined): Sockets {
  const sockets = new Set<net.Socket>()
  let destroyed = false
  return {
    open({ host, port, onConnect }) {
      const socket = ssl === undefined ? net.connect({ host, port }, onConnect) : secure(host, port, ssl, onConnect)
      socket.setKeepAlive(true, 60_000)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      // An attempt to reconnect that was under way when everything was closed.
      if (destroyed) socket.destroy()
      return socket
    },
    destroy() {
      destroyed = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

function secure(host: string, port: number, ssl: Tls, onConnect: () => void): net.Socket {
  const { ca, cert, key } = ssl === true ? {} : ssl
  const texts = { ...(ca && { ca: ca() }), ...(cert && { cert: cert() }), ...(key && { key: key() }) }
  // A server name must not be an address.
  return tls.connect({ host, port, ...(net.isIP(host) === 0 && { servername: host }), ...texts }, onConnect)
}
