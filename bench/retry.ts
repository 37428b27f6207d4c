/** The suite of retries: how late they are, what those that fail cost the others and themselves, and what waiting costs. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Duration } from 'spillway'
import type { Result } from './result.ts'
import type { Stand } from './stand.ts'
import { fillTier } from './waiting.ts'

const peer = 'Spillway'
const waitingCopies = 100_000
const idleSeconds = 25

export async function retry(stand: Stand): Promise<() => Promise<Result[]>> {
  const failingTwice = await stand.filledTopic(6_000, 6_000)
  const load = await stand.filledTopic(100_000)
  const backlog = await stand.filledTopic(20_000, 500)
  const [empty, full] = [await beginning(stand, 0), await beginning(stand, waitingCopies)]
  return async () => [
    ...(await lateness(stand, failingTwice)),
    await besideFailures(stand, load, 0),
    await besideFailures(stand, load, 20),
    await besideFailures(stand, load, 5),
    await forwards(stand, backlog),
    await begun(stand, empty),
    await begun(stand, full),
    ...(await Promise.all([idle(stand, ['1m']), idle(stand, ['1m', '2m', '3m', '4m', '5m'])])),
  ]
}

/** 2,000 records of 6,000 that wait together, with default settings. */
async function lateness(stand: Stand, topic: string): Promise<Result[]> {
  const job = { topic, records: 6_000, failEvery: 3 }
  const child = stand.start('spillway', { ...job, case: 'lateness', ...(await stand.group(topic)) })
  const late = await child.heard('late')
  await child.end()
  return ['1s', '5s'].map(tier => {
    if (late[`${tier} early`] !== 0) throw new Error(`early: ${JSON.stringify(late)}`)
    const of = (what: string): number => late[`${tier} ${what}`]!
    return { case: `late in tier ${tier}`, peer, records: of('count'), p50Ms: of('p50'), p99Ms: of('p99'), maxMs: of('max') }
  })
}

/** The rate of the entities that do not fail. */
export async function besideFailures(stand: Stand, topic: string, failEvery: number): Promise<Result> {
  const job = { topic, records: 100_000, handlerMs: 2, failEvery, tiers: ['1s', '5s'] as const }
  const child = stand.start('spillway', { ...job, case: 'failing', ...(await stand.group(topic, job.tiers)) })
  const { seconds, good, cpuSeconds, rssMb } = await child.heard('good')
  await child.end()
  const perTenThousand = (cpuSeconds! / good!) * 10_000
  return {
    case: besideCase(failEvery),
    peer,
    records: good!,
    perSecond: good! / seconds!,
    cpuSecondsPer10k: perTenThousand,
    rssMb: rssMb!,
  }
}

export const forwardsCase = '5 % of a backlog fail once or twice'

export function besideCase(failEvery: number): string {
  return failEvery === 0 ? '2 ms handler, nobody fails' : `2 ms handler, 1 entity in ${failEvery} fails: the others`
}

/** 5 % of all messages fail, of a backlog that is there from the start. */
async function forwards(stand: Stand, topic: string): Promise<Result> {
  const job = { topic, records: 20_000, failEvery: 20, tiers: ['1s', '5s'] as const }
  const child = stand.start('spillway', { ...job, case: 'drained', ...(await stand.group(topic, job.tiers)) })
  const { retried, followed, seconds } = await child.heard('count')
  await child.end()
  return {
    case: forwardsCase,
    peer,
    records: job.records,
    ms: seconds! * 1_000,
    perFailure: followed! / retried!,
  }
}

interface Beginning {
  readonly topic: string
  readonly group: string
  readonly copies: number
}

async function beginning(stand: Stand, copies: number): Promise<Beginning> {
  const topic = await stand.topic('begun')
  const { group } = await stand.group(topic)
  await fillTier(stand.broker, stand.schemaId, { group, topic, tier: `${group}.retry.5m`, copies })
  return { topic, group, copies }
}

/** Until every partition has begun. */
async function begun(stand: Stand, { topic, group, copies }: Beginning): Promise<Result> {
  // Enough for each partition to have one.
  await stand.fill(topic, 200)
  const child = stand.start('spillway', { case: 'rebuild', topic, group, records: 200 })
  const { ms, rssMb } = await child.heard('begun')
  await child.end()
  return { case: `an assignment begins, ${copies.toLocaleString('en-US')} waiting`, peer, ms: ms!, rssMb: rssMb! }
}

async function idle(stand: Stand, tiers: readonly Duration[]): Promise<Result> {
  const topic = await stand.filledTopic(1)
  const child = stand.start('spillway', { case: 'idle', topic, records: 0, tiers, ...(await stand.group(topic, tiers)) })
  await child.heard('joined')
  await pause(5_000)
  child.tell('begin')
  await pause(idleSeconds * 1_000)
  child.tell('end')
  const { cpuSeconds, rssMb } = await child.heard('cost')
  child.tell('stop')
  await child.end()
  return {
    case: `idle with ${tiers.length} ${tiers.length === 1 ? 'tier' : 'tiers'}`,
    peer,
    cpuPercent: (cpuSeconds! / idleSeconds) * 100,
    rssMb: rssMb!,
  }
}
