/** Time, injected: so that waiting can be tested without waiting. */
export interface Clock {
  now(): number
  setTimer(callback: () => void, delayMs: number): unknown
  clearTimer(timer: unknown): void
}

/** Timers of Node take at most 2^31 - 1 milliseconds; a longer wait is asked again after a day. */
export const longestTimerMs = 86_400_000

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

/** Resolves at this time, never before it: timers of Node fire up to a millisecond early. Rejects with the signal's reason when it is aborted. */
export async function untilTime(clock: Clock, timeMs: number, signal: AbortSignal): Promise<void> {
  for (let restMs = timeMs - clock.now(); restMs > 0 && !signal.aborted; restMs = timeMs - clock.now())
    await pause(clock, Math.min(restMs, longestTimerMs), signal)
  signal.throwIfAborted()
}

/** Resolves when `work` does, or after `ms`. */
export async function withinMs(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  let timer: unknown
  await Promise.race([work, new Promise<void>(resolve => (timer = clock.setTimer(resolve, ms)))])
  clock.clearTimer(timer)
}
