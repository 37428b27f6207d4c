import { setTimeout as sleep } from 'node:timers/promises'

export interface UntilOptions {
  /** Milliseconds. */
  readonly withinMs: number
  /** Completes "waited in vain for ...". */
  readonly what: string
}

type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

const pollMs = 10

/**
 * Resolves with the first value of `condition` that is truthy. Rejects when there is none within `withinMs`, with the last error
 * of the condition as its cause, if it threw one: an assertion may be a condition.
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions): Promise<Truthy<T>> {
  const deadline = performance.now() + options.withinMs
  let failure: unknown
  do {
    try {
      const value = await condition()
      if (value) return value as Truthy<T>
      failure = undefined
    } catch (error) {
      failure = error
    }
    await sleep(pollMs)
  } while (performance.now() < deadline)
  throw new Error(
    `waited in vain for ${options.what} (${options.withinMs} ms)`,
    failure === undefined ? undefined : { cause: failure },
  )
}
