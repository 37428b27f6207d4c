/** Ends a process that runs processors: on a signal, within a deadline, and whatever happens. */

export interface StopOptions {
  /** Drains and leaves. Called once. */
  stop(): Promise<void>
  /** Milliseconds from the first signal until the process gives up waiting. */
  readonly timeoutMs: number
  /** The first signal has come. */
  onStopping?(signal: string): void
  /** A second signal has come while stopping: nothing is waited for any more. */
  onSecond?(signal: string): void
  /** The deadline has passed. */
  onDeadline?(): void
  /** `stop` has failed. */
  onFailed?(error: unknown): void
  /** Stops without a signal too, with this exit code: for what ends by itself. */
  readonly until?: Promise<number>
  /** Where signals come from. Default: the process. */
  readonly source?: SignalSource
}

export interface SignalSource {
  on(name: 'SIGTERM' | 'SIGINT', listener: (name: string) => void): unknown
  off(name: 'SIGTERM' | 'SIGINT', listener: (name: string) => void): unknown
}

/**
 * Waits for SIGTERM or SIGINT, stops, and resolves with the exit code: 0 stopped in time, 1 stopping failed, 70 the deadline has
 * passed, 130 a second signal came. Never rejects. The caller exits at once with it: at 70 and 130 something still runs.
 */
export async function stopOnSignals(options: StopOptions): Promise<number> {
  const source = options.source ?? process
  const signals = listen(source)
  try {
    const wish = await Promise.race([signals.next(), options.until ?? never])
    if (typeof wish === 'string') options.onStopping?.(wish)
    const stopped = (async () => options.stop())().then(
      () => (typeof wish === 'number' ? wish : 0),
      error => {
        options.onFailed?.(error)
        return 1
      },
    )
    return await Promise.race([stopped, deadline(options), second(signals, options)])
  } finally {
    signals.end()
  }
}

const never = new Promise<never>(() => {})

/** A rejection that nobody awaits, such as a promise that a handler forgot, must not end the other messages' work. Returns the way to undo it. */
export function surviveStrayRejections(report: (reason: unknown) => void): () => void {
  process.on('unhandledRejection', report)
  return () => process.off('unhandledRejection', report)
}

async function second(signals: ReturnType<typeof listen>, options: StopOptions): Promise<number> {
  // Not inside the call: without a listener, `?.()` would not wait at all.
  const signal = await signals.next()
  options.onSecond?.(signal)
  return 130
}

async function deadline({ timeoutMs, onDeadline }: StopOptions): Promise<number> {
  await new Promise<void>(resolve => setTimeout(resolve, timeoutMs).unref())
  onDeadline?.()
  return 70
}

/** Signals one after another, none missed between two waits. Listening keeps the process alive as long as it waits. */
function listen(source: SignalSource) {
  const come: string[] = []
  let waiting: ((signal: string) => void) | undefined
  const listener = (name: string) => {
    if (waiting) waiting(name)
    else come.push(name)
    waiting = undefined
  }
  // A listener alone keeps no event loop going, and a process whose sockets are all closed would end in silence.
  const alive = setInterval(() => {}, 3_600_000)
  source.on('SIGTERM', listener)
  source.on('SIGINT', listener)
  return {
    next: () =>
      new Promise<string>(resolve => {
        const first = come.shift()
        if (first !== undefined) resolve(first)
        else waiting = resolve
      }),
    end: () => {
      clearInterval(alive)
      source.off('SIGTERM', listener)
      source.off('SIGINT', listener)
    },
  }
}
