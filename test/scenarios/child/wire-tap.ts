/** Looks at what this process sends to a broker, and what comes back: requests by their names in Kafka's protocol. */
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const names: ReadonlyMap<number, string> = new Map([
  [0, 'Produce'],
  [22, 'InitProducerId'],
  [24, 'AddPartitionsToTxn'],
  [26, 'EndTxn'],
])

/** `before`: not a byte of it is written. `written`: the kernel has all of it. `answered`: the first bytes of the answer are here. */
export type Moment = 'before' | 'written' | 'answered'

/** Calls back for each request of a transaction, and each producing one, at each of its moments. To be called before anything connects. */
export function tapWire(onRequest: (name: string, moment: Moment) => void): void {
  const directly = net.connect
  net.connect = ((to: net.TcpNetConnectOpts, onConnect: () => void) =>
    tapped(directly(to, onConnect), onRequest)) as typeof net.connect
  syncBuiltinESMExports()
}

function tapped(socket: net.Socket, onRequest: (name: string, moment: Moment) => void): net.Socket {
  const asked = new Map<number, string>()
  const write = socket.write.bind(socket)
  socket.write = ((bytes: Buffer, ...rest: unknown[]) => {
    // kafkajs writes a request at a time: its size, what it is, the version, and a number that the answer repeats.
    const name = names.get(bytes.readInt16BE(4))
    if (name === undefined) return write(bytes, ...(rest as []))
    asked.set(bytes.readInt32BE(8), name)
    onRequest(name, 'before')
    return write(bytes, () => onRequest(name, 'written'))
  }) as typeof socket.write
  let waiting = Buffer.alloc(0)
  socket.prependListener('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes])
    while (waiting.length >= 8) {
      const number = waiting.readInt32BE(4)
      const name = asked.get(number)
      asked.delete(number)
      if (name !== undefined) onRequest(name, 'answered')
      const size = 4 + waiting.readInt32BE(0)
      if (waiting.length < size) break
      waiting = waiting.subarray(size)
    }
  })
  return socket
}
