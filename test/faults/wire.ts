/** One direction of a network that may be slow: a rate that its connections share in turn, and a latency on top. */

export interface Weather {
  /** Of each piece, in milliseconds; pieces of one connection do not overtake each other. */
  readonly latencyMs: () => number
  readonly bytesPerSecond: number
}

export const fineWeather: Weather = { latencyMs: () => 0, bytesPerSecond: Number.POSITIVE_INFINITY }

/** What one connection has on the wire. */
interface Lane {
  readonly write: (piece: Buffer) => void
  waiting: Buffer
  readonly travelling: { readonly piece: Buffer; readonly due: number }[]
}

/** As much as an Ethernet frame carries: who sends much at once delays the others by no more than one of these. */
const pieceBytes = 1_460

export class Wire {
  readonly #weather: () => Weather
  /** Lanes with something waiting, the next one first. */
  readonly #turns: Lane[] = []
  #freeAt = 0
  #isHeld = false

  constructor(weather: () => Weather) {
    this.#weather = weather
  }

  connection(write: (piece: Buffer) => void): (bytes: Buffer) => void {
    const lane: Lane = { write, waiting: Buffer.alloc(0), travelling: [] }
    return bytes => {
      if (lane.waiting.length === 0) this.#turns.push(lane)
      lane.waiting = Buffer.concat([lane.waiting, bytes])
      if (!this.#isHeld) this.#pass()
    }
  }

  #pass(): void {
    this.#isHeld = false
    const { bytesPerSecond } = this.#weather()
    for (let lane = this.#turns.shift(); lane; lane = this.#turns.shift()) {
      const now = performance.now()
      if (this.#freeAt > now && bytesPerSecond < Number.POSITIVE_INFINITY) {
        this.#turns.unshift(lane)
        this.#isHeld = true
        setTimeout(() => this.#pass(), this.#freeAt - now)
        return
      }
      const piece = lane.waiting.subarray(0, pieceBytes)
      lane.waiting = lane.waiting.subarray(piece.length)
      if (lane.waiting.length > 0) this.#turns.push(lane)
      // A timer comes late; what was not sent meanwhile is made up for, or the rate would be a lower one.
      this.#freeAt = Math.max(this.#freeAt, now - 20) + (piece.length / bytesPerSecond) * 1_000
      this.#travel(lane, piece, now)
    }
  }

  #travel({ travelling, write }: Lane, piece: Buffer, now: number): void {
    const due = Math.max(travelling.at(-1)?.due ?? 0, now + this.#weather().latencyMs())
    travelling.push({ piece, due })
    const arrive = () => {
      while (travelling[0] && travelling[0].due <= performance.now()) write(travelling.shift()!.piece)
      if (travelling[0]) setTimeout(arrive, travelling[0].due - performance.now())
    }
    if (travelling.length === 1) arrive()
  }
}
