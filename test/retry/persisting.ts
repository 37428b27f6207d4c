import { expect } from 'vitest'
import type { Session } from '../../src/consume/admission.ts'

/** A session that persists without pauses, and gives up after three failures. */
export function persisting(failures: string[] = []): Session {
  const unasked = () => expect.unreachable()
  return {
    ...{ draining: new AbortController().signal, isOver: false, again: unasked, release: unasked, wait: unasked },
    ...{ finish: unasked, finishAhead: unasked, keepsMuch: () => false },
    persist: async (_, reasonOf, work) => {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          const reason = reasonOf(error)
          if (reason === undefined || failures.length === 3) throw error
          failures.push(reason)
        }
      }
    },
  }
}
