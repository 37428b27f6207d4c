/** A TCP proxy in front of a broker that can be slow, cut every connection, go silent, or lose the answers to some requests. */
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { fineWeather, type Weather, Wire } from './wire.ts'

export interface Proxy {
  readonly port: number
  /** Where the broker listens; known only once its own port is. */
  to(port: number): void
  /** From now on, for each direction. */
  weather(weather: Weather): void
  /** Resets every connection. New ones are let through. */
  cut(): number
  /** Resets every connection in the middle of its next answer. New ones are let through. */
  cutInAnswers(): number
  /** The connections there are now stay open and pass nothing any more, for ever. New ones are let through. */
  silence(): number
  /** Resets the connections that are silent: nobody has to wait for them any more. */
  wake(): void
  /** From now on these requests reach the broker, their answers do not come back, and the connection is reset instead. */
  loseAnswers(...to: readonly RequestName[]): void
  /** How many were lost so far. */
  readonly lost: number
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  silent: boolean
  /** Its next answer gets half through, and nothing more. */
  halving: boolean
  halved: boolean
}

/** Their numbers in Kafka's protocol. */
const requestKeys = { Produce: 0, AddPartitionsToTxn: 24, EndTxn: 26 } as const
export type RequestName = keyof typeof requestKeys

export async function startProxy(): Promise<Proxy> {
  const links = new Set<Link>()
  let target = 0
  let current = fineWeather
  const [there, backAgain] = [new Wire(() => current), new Wire(() => current)]
  let losing: readonly number[] = []
  let lost = 0
  const server = createServer({ noDelay: true }, client => {
    const link: Link = {
      client,
      server: connect({ port: target, host: '127.0.0.1', noDelay: true }),
      silent: false,
      halving: false,
      halved: false,
    }
    links.add(link)
    const asked = new Map<number, number>()
    const end = () => {
      links.delete(link)
      // What goes silent does not tell the other end that it is gone, either.
      if (link.silent) return
      client.destroy()
      link.server.destroy()
    }
    for (const socket of [client, link.server]) socket.on('error', end).on('close', end)
    const pass = (to: Socket) => (piece: Buffer) => link.silent || to.destroyed || void to.write(piece)
    const forward = there.connection(pass(link.server))
    const back = backAgain.connection(pass(client))
    client.on(
      'data',
      frames(frame => {
        asked.set(frame.readInt32BE(8), frame.readInt16BE(4))
        forward(frame)
      }),
    )
    link.server.on(
      'data',
      frames(frame => {
        const key = asked.get(frame.readInt32BE(4))!
        asked.delete(frame.readInt32BE(4))
        if (link.halving) return halve(link, frame)
        if (!losing.includes(key)) return back(frame)
        lost++
        client.resetAndDestroy()
      }),
    )
  })
  await new Promise<void>(listening => void server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    for (const { client, server: toBroker } of links) {
      client.destroy()
      toBroker.destroy()
    }
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    port,
    to: given => {
      target = given
    },
    weather: weather => {
      current = weather
    },
    cut() {
      const all = [...links]
      for (const { client } of all) client.resetAndDestroy()
      return all.length
    },
    cutInAnswers() {
      const all = [...links]
      for (const link of all) link.halving = true
      return all.length
    },
    silence() {
      const all = [...links]
      for (const link of all) link.silent = true
      return all.length
    },
    wake() {
      for (const { client, silent } of links) if (silent) client.resetAndDestroy()
    },
    loseAnswers: (...to) => {
      losing = to.map(name => requestKeys[name])
    },
    get lost() {
      return lost
    },
  }
}

function halve(link: Link, frame: Buffer): void {
  if (link.halved) return
  link.halved = true
  link.client.write(frame.subarray(0, frame.length >> 1))
  // The other end may have to read that first: a reset can take back what it has not.
  setTimeout(() => link.client.resetAndDestroy(), 50)
}

/** Hands over whole frames of Kafka's protocol: four bytes of length, and so many more. */
function frames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return chunk => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0)
      const frame = rest.subarray(0, length)
      rest = rest.subarray(length)
      onFrame(frame)
    }
  }
}
