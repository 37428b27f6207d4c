/**
 * One lane an entity: a queue that runs strictly one after another, while lanes run beside each other, up to `concurrency`.
 * Lanes that have nothing to do are kept for a while: the same entities come again and again, and a map that is added to and
 * deleted from at every record is a good part of what a record costs.
 */
interface Lane<T> {
  readonly queue: T[]
  current: T | undefined
  /** The number of its last turn, of all turns of all lanes. */
  turn: number
}

const mostIdleLanes = 20_000

export function laneName(place: string, key: string): string {
  return `${place} ${key}`
}

export class Lanes<T> {
  readonly #concurrency: number
  readonly #run: (item: T) => Promise<void>
  /** By where the entities live, such as a partition, and by their key. */
  readonly #lanes = new Map<string, Map<string, Lane<T>>>()
  #idleLanes = 0
  /** Lanes with something to do and nothing running, in the order in which they got it; those below #head have started. */
  #ready: Lane<T>[] = []
  #head = 0
  #running = 0
  #turns = 0
  #size = 0
  #isClosed = false
  #isHeld = false
  /** Items that wait for something else, and of these the ones that would go on. */
  #suspended = 0
  readonly #returning: (() => void)[] = []
  #idleWaiters: (() => void)[] = []

  /** `run` must not reject: what became of an item is its own business. */
  constructor(concurrency: number, run: (item: T) => Promise<void>) {
    this.#concurrency = concurrency
    this.#run = run
  }

  get running(): number {
    return this.#running
  }

  /** What runs or is suspended, one a lane. */
  current(): T[] {
    return [...this.#lanes.values()].flatMap(ofPlace => [...ofPlace.values()].flatMap(({ current }) => current ?? []))
  }

  /** The names of the lanes that have begun and ended a turn since this item's turn began; of those that are kept. */
  endedSince(isItem: (item: T) => boolean): string[] {
    const since = this.#turnOf(isItem)
    const names: string[] = []
    for (const [place, ofPlace] of this.#lanes)
      for (const [key, { current, turn }] of ofPlace) if (current === undefined && turn > since) names.push(laneName(place, key))
    return names
  }

  /** Lanes in memory, idle ones included. */
  get kept(): number {
    return [...this.#lanes.values()].reduce((sum, ofPlace) => sum + ofPlace.size, 0)
  }

  /** Running, suspended and queued. */
  get size(): number {
    return this.#size
  }

  push(place: string, key: string, item: T): void {
    this.#size++
    const lane = this.#lane(place, key)
    lane.queue.push(item)
    if (lane.queue.length > 1 || lane.current !== undefined) return
    this.#idleLanes--
    this.#ready.push(lane)
    this.#start()
  }

  /** For an item that runs and has to wait: while `work` goes on its place is another's. It goes on when there is a place again. */
  async suspend<R>(work: Promise<R>): Promise<R> {
    this.#running--
    this.#suspended++
    this.#start()
    try {
      return await work
    } finally {
      await new Promise<void>(resolve => {
        this.#returning.push(resolve)
        this.#start()
      })
    }
  }

  /** Nothing starts until `release`, but what `startOne` picks; what runs or is suspended goes on. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#start()
  }

  /** Starts the next item, one that is preferred if there is any; undefined when there is none, or no place. */
  startOne(isPreferred: (item: T) => boolean): T | undefined {
    if (this.#isClosed || this.#running >= this.#concurrency || this.#head >= this.#ready.length) return undefined
    const preferred = this.#ready.findIndex((lane, i) => i >= this.#head && isPreferred(lane.queue[0]!))
    const [lane] = this.#ready.splice(Math.max(preferred, this.#head), 1)
    const item = lane!.queue[0]!
    this.#running++
    void this.#runNext(lane!)
    return item
  }

  /** What stays where it is because of `hold`: 0 while nothing is held. */
  get held(): number {
    return this.#isHeld ? this.#size - this.#running : 0
  }

  /** For the last thing that an item waits for: its place is another's meanwhile, and it needs none to end. */
  async lend<R>(work: Promise<R>): Promise<R> {
    this.#running--
    this.#suspended++
    this.#start()
    try {
      return await work
    } finally {
      this.#suspended--
      this.#running++
    }
  }

  /** Nothing starts any more; what runs goes on. */
  close(): void {
    this.#isClosed = true
  }

  /** Resolves when nothing runs or is suspended; call it after `close`. */
  idle(): Promise<void> {
    return this.#running + this.#suspended === 0 ? Promise.resolve() : new Promise(resolve => this.#idleWaiters.push(resolve))
  }

  #start(): void {
    while (this.#running < this.#concurrency && this.#returning.length > 0) {
      this.#suspended--
      this.#running++
      this.#returning.shift()!()
    }
    while (!this.#isClosed && !this.#isHeld && this.#running < this.#concurrency && this.#head < this.#ready.length) {
      const lane = this.#ready[this.#head++]!
      this.#running++
      void this.#runNext(lane)
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head)
      this.#head = 0
    }
  }

  #turnOf(isItem: (item: T) => boolean): number {
    for (const ofPlace of this.#lanes.values())
      for (const { current, turn } of ofPlace.values()) if (current !== undefined && isItem(current)) return turn
    return this.#turns
  }

  #lane(place: string, key: string): Lane<T> {
    let ofPlace = this.#lanes.get(place)
    if (!ofPlace) {
      ofPlace = new Map()
      this.#lanes.set(place, ofPlace)
    }
    const known = ofPlace.get(key)
    if (known) return known
    const fresh: Lane<T> = { queue: [], current: undefined, turn: 0 }
    ofPlace.set(key, fresh)
    this.#idleLanes++
    return fresh
  }

  async #runNext(lane: Lane<T>): Promise<void> {
    lane.turn = ++this.#turns
    lane.current = lane.queue.shift()!
    await this.#run(lane.current)
    lane.current = undefined
    this.#running--
    this.#size--
    if (lane.queue.length > 0) this.#ready.push(lane)
    else if (++this.#idleLanes > mostIdleLanes) this.#forgetIdleLanes()
    if (this.#running + this.#suspended === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
    this.#start()
  }

  #forgetIdleLanes(): void {
    for (const [place, ofPlace] of this.#lanes) {
      for (const [key, { queue, current }] of ofPlace) if (queue.length === 0 && current === undefined) ofPlace.delete(key)
      if (ofPlace.size === 0) this.#lanes.delete(place)
    }
    this.#idleLanes = 0
  }
}
