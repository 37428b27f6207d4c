/**
 * One lane an entity: a queue that runs strictly one after another, while lanes run beside each other, up to `concurrency`.
 * A lane exists while it has something to do.
 */
export interface Lanes<T> {
  push(lane: string, item: T): void
  /** Nothing starts any more; what runs goes on. */
  close(): void
  readonly running: number
  /** What runs, one a lane. */
  current(): T[]
  /** Running and queued. */
  readonly size: number
  /** Resolves when nothing runs; call it after `close`. */
  idle(): Promise<void>
}

interface Lane<T> {
  readonly name: string
  readonly queue: T[]
  current: T | undefined
}

/** `run` must not reject: what became of an item is its own business. */
export function createLanes<T>(concurrency: number, run: (item: T) => Promise<void>): Lanes<T> {
  const lanes = new Map<string, Lane<T>>()
  /** Lanes with something to do and nothing running, in the order in which they got it. */
  let ready: Lane<T>[] = []
  let head = 0
  let running = 0
  let size = 0
  let closed = false
  const idleWaiters: (() => void)[] = []

  return {
    push(name, item) {
      size++
      const lane = lanes.get(name)
      if (lane) {
        lane.queue.push(item)
        return
      }
      const fresh: Lane<T> = { name, queue: [item], current: undefined }
      lanes.set(name, fresh)
      ready.push(fresh)
      startReady()
    },
    close() {
      closed = true
    },
    get running() {
      return running
    },
    current: () => [...lanes.values()].flatMap(({ current }) => current ?? []),
    get size() {
      return size
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise(resolve => idleWaiters.push(resolve))),
  }

  function startReady(): void {
    while (!closed && running < concurrency && head < ready.length) {
      const lane = ready[head++]!
      running++
      void runNext(lane)
    }
    if (head > 1_024 && head * 2 > ready.length) {
      ready = ready.slice(head)
      head = 0
    }
  }

  async function runNext(lane: Lane<T>): Promise<void> {
    lane.current = lane.queue.shift()!
    await run(lane.current)
    lane.current = undefined
    running--
    size--
    if (lane.queue.length > 0) ready.push(lane)
    else lanes.delete(lane.name)
    if (running === 0) for (const resolve of idleWaiters.splice(0)) resolve()
    startReady()
  }
}
