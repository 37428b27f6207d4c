/** The consumer that child processes run. It writes down what it does, so that a kill loses nothing of the story. */
import { appendFileSync } from 'node:fs'
import { consumer, on } from 'spillway'
import { until } from '../../until.ts'
import { stepsOn } from '../messages.ts'

export interface ChildSettings {
  readonly topic: string
  readonly group: string
  /** All children append to it: `started <pid> <id> <n>`, and `finished` likewise. */
  readonly journal: string
  readonly onDataLoss?: 'stop'
}

/** Errors as libraries throw them: with the request, and so the payload, hanging on them. */
function failure(payload: object): Error {
  return Object.assign(new Error('the bank refused', { cause: new Error(JSON.stringify(payload)) }), { payload })
}

/** `Opened` takes 1 to 7 ms, every tenth of an entity 300. `Closed` always fails. */
export function journalling({ topic, group, journal, onDataLoss }: ChildSettings) {
  const { opened, closed } = stepsOn({ name: topic, partitions: 6 })
  const write = (what: string, id: string, n: number) => appendFileSync(journal, `${what} ${process.pid} ${id} ${n}\n`)
  const subscriptions = [
    on(opened, async ({ id, n }, ctx) => {
      write('started', id, n)
      const endsAt = performance.now() + (n % 10 === 0 ? 300 : n % 7)
      await until(() => performance.now() >= endsAt, { withinMs: 10_000, what: 'the work to be done' })
      ctx.log.info({ n }, 'finished')
      write('finished', id, n)
    }),
    on(closed, (payload, ctx) => {
      const error = failure(payload)
      ctx.log.warn({ error, password: payload.note }, 'it will fail')
      throw error
    }),
  ]
  return {
    consumer: consumer(group, subscriptions, { retry: { tiers: ['200ms'] }, ...(onDataLoss && { onDataLoss }) }),
    opened,
    closed,
  }
}
