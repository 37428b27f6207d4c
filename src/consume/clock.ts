/** Time, injected: so that waiting can be tested without waiting. */
export interface Clock {
  now(): number
  setTimer(callback: () => void, delayMs: number): unknown
  clearTimer(timer: unknown): void
}

export const systemClock: Clock = {
  now: Date.now,
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimer: timer => clearTimeout(timer as NodeJS.Timeout),
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = (): void => {
      clock.clearTimer(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(done, ms)
    signal.addEventListener('abort', done)
  })
}

/** Resolves when `work` does, or after `ms`. */
export async function withinMs(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  let timer: unknown
  await Promise.race([work, new Promise<void>(resolve => (timer = clock.setTimer(resolve, ms)))])
  clock.clearTimer(timer)
}
