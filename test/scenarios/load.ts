/** Keeps a topic busy: publishes for many entities in turn, never far ahead of those who handle it. */
import { until } from '../until.ts'
import { patienceMs } from './harness.ts'

export interface Load {
  /** Ends it; resolves with everything published, as `<id> <n>`, in order of each entity. */
  stop(): Promise<string[]>
}

/** `started` tells how many were begun so far: the backlog stays below 10 messages for each of 30 entities. */
export function startLoad(publish: (step: { id: string; n: number }) => Promise<unknown>, started: () => number): Load {
  const entities = Array.from({ length: 30 }, (_, i) => `entity-${i}`)
  const published: string[] = []
  let stopping = false
  const round = async (n: number) => {
    await Promise.all(entities.map(id => publish({ id, n })))
    published.push(...entities.map(id => `${id} ${n}`))
    await until(() => stopping || published.length - started() < 300, { withinMs: patienceMs, what: 'the backlog to shrink' })
  }
  const publishing = (async () => {
    for (let n = 1; !stopping; n++) await round(n)
  })()
  // Who stops it hears of a failure; until then it must not end the test run.
  publishing.catch(() => {})
  return {
    stop: async () => {
      stopping = true
      await publishing
      return published
    },
  }
}
