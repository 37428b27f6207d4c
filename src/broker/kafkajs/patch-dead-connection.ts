import type { Socket } from 'node:net'

export interface Connection {
  readonly socket?: Socket
  send(protocol: unknown): Promise<unknown>
}

/**
 * A request that is not answered in time: kafkajs gives it up and sends the next one over the same connection. When the other end
 * has gone without a word (a firewall that forgot it, a host that died) that one is not answered either, nor any other, until the
 * system gives the connection up, which can take a quarter of an hour. So it is ended at once, as the Java clients do.
 */
export function endUnanswered(connection: { readonly prototype: Connection }): void {
  const { send } = connection.prototype
  connection.prototype.send = async function (this: Connection, protocol: unknown) {
    try {
      return await send.call(this, protocol)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') this.socket?.destroy(error)
      throw error
    }
  }
}
