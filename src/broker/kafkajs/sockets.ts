import * as net from 'node:net'
import * as tls from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

export interface Sockets {
  readonly open: ISocketFactory
  /** Ends what kafkajs has forgotten: it drops a broker it cannot reach from its books without closing the connection. */
  destroy(): void
}

export function newSockets(): Sockets {
  const sockets = new Set<net.Socket>()
  let destroyed = false
  return {
    open({ host, port, ssl, onConnect }) {
      const socket =
        Object.keys(ssl ?? {}).length > 0 ? secure(host, port, ssl, onConnect) : net.connect({ host, port }, onConnect)
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

function secure(host: string, port: number, ssl: tls.ConnectionOptions | boolean, onConnect: () => void): net.Socket {
  // A server name must not be an address.
  return tls.connect(
    { host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...(typeof ssl === 'object' ? ssl : {}) },
    onConnect,
  )
}
