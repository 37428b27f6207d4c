/** What failures cost, of Spillway alone: no peer has retries that keep an order. */
import type { Consuming } from '../peers/peers.ts'
import { partitions } from '../records.ts'
import type { Case } from './cases.ts'

// Only here: the other libraries' processes must not load ours.
const ours = () => import('../peers/spillway.ts')

const failed = new Error('the bank is closed')
/** No error hits many entities at once: that would be taken for an outage. */
const kinds = Array.from(
  { length: 50 },
  (_, i) => new Error(`the bank is closed: ${String.fromCharCode(97 + (i % 26)).repeat(4 + i)}`),
)

/** The number of `customer-7`. */
const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** Of every three messages one fails at the source and in the first tier. How long after their due time the tries began, by tier. */
export const lateness: Case = async (_, job, parent) => {
  const late = new Map<string, number[]>()
  const all = Promise.withResolvers<void>()
  let done = 0
  const handle = async ({ orderId }: { orderId: string }, { attempt }: { attempt: number }): Promise<void> => {
    if (attempt < 3 && numberOf(orderId) % job.failEvery! === 0) throw failed
    if (++done === job.records) all.resolve()
  }
  const { running } = await ours()
  const consuming = await running(job, handle, signals => {
    signals.on('retry.started', ({ tier, lateMs }) => {
      const ofTier = late.get(tier) ?? []
      late.set(tier, ofTier)
      ofTier.push(lateMs)
    })
  })
  await all.promise
  const values: Record<string, number> = {}
  for (const [tier, times] of late) {
    const sorted = times.sort((a, b) => a - b)
    const name = tier.slice(tier.lastIndexOf('.') + 1)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
    Object.assign(values, { [`${name} count`]: sorted.length, [`${name} early`]: sorted.filter(ms => ms < 0).length })
    Object.assign(values, { [`${name} p50`]: at(0.5), [`${name} p99`]: at(0.99), [`${name} max`]: at(1) })
  }
  parent.tell('late', values)
  await consuming.stop()
}

/** Of every so many entities one fails at each first try. Tells how long the others took, from the first record to the last one. */
export const failing: Case = async (_, job, parent) => {
  const every = job.failEvery ?? 0
  const isPoor = (customerId: string): boolean => every > 0 && numberOf(customerId) % every === 0
  const good = every > 0 ? job.records * (1 - 1 / every) : job.records
  const all = Promise.withResolvers<number>()
  let startedAt = 0
  let handled = 0
  const handle = async ({ customerId }: { customerId: string }, { attempt }: { attempt: number }): Promise<void> => {
    if (startedAt === 0) {
      startedAt = performance.now()
      parent.startCounting()
    }
    await new Promise(resolve => setTimeout(resolve, job.handlerMs))
    if (!isPoor(customerId)) {
      if (++handled === good) all.resolve(performance.now() - startedAt)
    } else if (attempt === 1) throw failed
  }
  const { running } = await ours()
  const consuming = await running(job, handle)
  parent.tell('good', { seconds: (await all.promise) / 1_000, good, ...parent.cost() })
  await consuming.stop()
}

/** One message of twenty fails, once or twice. Tells when all have been handled, and how many copies that took. */
export const drained: Case = async (_, job, parent) => {
  const count = { retried: 0, followed: 0, done: 0 }
  const all = Promise.withResolvers<void>()
  const handle = async ({ orderId }: { orderId: string }, { attempt }: { attempt: number }): Promise<void> => {
    // Spread over all entities.
    const dice = Math.imul(numberOf(orderId), 0x9e3779b1) >>> 8
    if (dice % job.failEvery! === 0 && attempt <= 1 + ((dice >>> 12) & 1)) throw kinds[(dice / job.failEvery!) % kinds.length]
  }
  const { running } = await ours()
  const startedAt = performance.now()
  const consuming = await running(job, handle, signals => {
    signals.on('message.retried', () => count.retried++)
    signals.on('message.followed', () => count.followed++)
    signals.on('message.done', () => {
      if (++count.done === job.records) all.resolve()
    })
  })
  await all.promise
  parent.tell('count', { ...count, seconds: (performance.now() - startedAt) / 1_000 })
  await consuming.stop()
}

/** From the assignment to the first record of the last partition. */
export const rebuild: Case = async (_, job, parent) => {
  const seen = new Set<number>()
  const all = Promise.withResolvers<number>()
  let assignedAt = 0
  const handle = async (_payload: unknown, { origin }: { origin: { partition: number } }): Promise<void> => {
    if (seen.add(origin.partition).size === partitions) all.resolve(performance.now() - assignedAt)
  }
  const { running } = await ours()
  const consuming: Consuming = await running(job, handle, signals => {
    signals.on('consumer.joined', () => {
      assignedAt ||= performance.now()
    })
  })
  parent.tell('begun', { ms: await all.promise, ...parent.cost() })
  await consuming.stop()
}
