import { codeOf, Fenced } from '../errors.ts'
import type { DlqSource } from './source.ts'

/** Runs it, and says of a fence what it means for the letters of a DLQ. */
export async function unlessFenced<Result>({ group }: DlqSource, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (codeOf(error) !== 'E_FENCED') throw error
    throw new Fenced(
      `another redrive or purge of '${group}' has begun, and ended this one; or this one stood still for more than 10 s, and the broker gave it up. What it had done until then stands`,
      { cause: error },
    )
  }
}
