/** The suites: each plays all its cases with all its peers once, one after the other; main.ts repeats it. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from './child.ts'
import { javaConsumer, javaProducer } from './java.ts'
import { nowMs } from './job.ts'
import { labels, type PeerName } from './peers/peers.ts'
import { middle, type Result } from './result.ts'
import { retry } from './retry.ts'
import { shapes } from './shapes.ts'
import type { Stand } from './stand.ts'

/** `prepare` runs once; what it gives back, once a run. */
export type Suite = (stand: Stand) => Promise<() => Promise<Result[]>>

export const suites: Readonly<Record<string, Suite>> = {
  consume,
  produce,
  latency,
  rebalance,
  idle,
  retry,
  redrive,
  replay,
  codec,
}

async function consume(stand: Stand): Promise<() => Promise<Result[]>> {
  const long = { topic: await stand.filledTopic(400_000), records: 400_000 }
  const short = { topic: await stand.filledTopic(5_000), records: 5_000 }
  const tiny = { topic: await stand.filledTopic(1_000), records: 1_000 }
  const noOp = (peer: PeerName) => consumed(stand, peer, { ...long, case: 'no-op handler', handlerMs: 0 })
  const slow = (peer: PeerName, what: typeof long) => consumed(stand, peer, { ...what, case: '2 ms handler', handlerMs: 2 })
  return async () => [
    await noOp('spillway'),
    await noOp('eachMessage'),
    await noOp('eachBatch'),
    await noOp('platformatic'),
    ...(await javaConsumer(stand, long)),
    await slow('spillway', long),
    await consumed(stand, 'spillway', { ...long, case: '2 ms handler, concurrency 1,024', handlerMs: 2, concurrency: 1_024 }),
    await slow('eachMessage', short),
    await slow('eachBatch', long),
    await slow('platformatic', tiny),
  ]
}

async function consumed(
  stand: Stand,
  peer: PeerName,
  what: { case: string; topic: string; records: number; handlerMs: number; concurrency?: number },
): Promise<Result> {
  const { case: name, ...job } = what
  const { topic, records } = job
  const { group } = await stand.group(topic)
  const child = stand.start(peer, { ...job, case: 'consume', group })
  const { atMs } = await child.heard('first')
  await child.heard('handled')
  await stand.committed(group, topic, records)
  const seconds = (nowMs() - atMs!) / 1_000
  child.tell('committed')
  const cost = await child.heard('cost')
  await child.end()
  return { case: name, peer: labels[peer], records, perSecond: records / seconds, ...costs(cost, records) }
}

/** The same consumer on the same topic: as its group, and as a replay beside it. In turns, as a machine may grow slower. */
async function replay(stand: Stand): Promise<() => Promise<Result[]>> {
  const long = { topic: await stand.filledTopic(400_000), records: 400_000 }
  const played = async (name: string, handlerMs: number): Promise<Result[]> => {
    const live = () => consumed(stand, 'spillway', { ...long, handlerMs, case: `${name}, live` })
    const again = () => replayed(stand, { ...long, handlerMs, case: `${name}, replayed` })
    return [await live(), await again(), await again(), await live()]
  }
  return async () => [
    ...(await played('no-op handler', 0)),
    ...(await played('no-op handler', 0)),
    ...(await played('2 ms handler', 2)),
  ]
}

async function replayed(
  stand: Stand,
  { case: name, ...job }: { case: string; topic: string; records: number; handlerMs: number },
): Promise<Result> {
  const { group } = await stand.group(job.topic)
  const { topic, records } = job
  const child = stand.start('spillway', { ...job, case: 'replay', group })
  const { atMs } = await child.heard('first')
  await child.heard('handled')
  const gone = new AbortController()
  const ended = child.heard('ended').finally(() => gone.abort())
  await stand.committed(`${group}.replay-bench`, topic, records, gone.signal)
  const seconds = (nowMs() - atMs!) / 1_000
  const cost = await ended
  await child.end()
  return { case: name, peer: labels.spillway, records, perSecond: records / seconds, ...costs(cost, records) }
}

async function produce(stand: Stand): Promise<() => Promise<Result[]>> {
  const singly = (peer: PeerName, records: number) => produced(stand, peer, records, 'produceSingly', '1,000 callers')
  const batches = (peer: PeerName, records: number) => produced(stand, peer, records, 'produceBatches', 'batches of 1,000')
  return async () => [
    await singly('spillway', 200_000),
    await singly('kafkajs', 20_000),
    await singly('kafkajsIdempotent', 10_000),
    await singly('platformatic', 50_000),
    await batches('spillway', 200_000),
    await batches('kafkajs', 200_000),
    await batches('kafkajsIdempotent', 200_000),
    await batches('platformatic', 200_000),
    ...(await javaProducer(stand, 200_000)),
  ]
}

async function produced(
  stand: Stand,
  peer: PeerName,
  records: number,
  how: 'produceSingly' | 'produceBatches',
  name: string,
): Promise<Result> {
  const child = stand.start(peer, { case: how, topic: await stand.topic('written'), records })
  const cost = await child.heard('cost')
  await child.end()
  return { case: name, peer: labels[peer], records, perSecond: records / cost.seconds!, ...costs(cost, records) }
}

async function latency(stand: Stand): Promise<() => Promise<Result[]>> {
  const records = 10_000
  const played = async (peer: PeerName): Promise<Result> => {
    const topic = await stand.topic('latency')
    const child = stand.start(peer, { case: 'latency', topic, records, ...(await stand.group(topic)), tierTopics: [] })
    const { p50Ms, p99Ms, ...cost } = await child.heard('cost')
    await child.end()
    return { case: '1,000 a second', peer: labels[peer], records, p50Ms: p50Ms!, p99Ms: p99Ms!, ...costs(cost, records) }
  }
  return async () => [await played('spillway'), await played('eachMessage'), await played('platformatic')]
}

/** At 1,000 records a second. Each change of one run is a figure of its own, so the median is of all changes. */
async function rebalance(stand: Stand): Promise<() => Promise<Result[]>> {
  return async () => [...(await rebalanced(stand, 'spillway')), ...(await rebalanced(stand, 'eachMessage'))]
}

async function rebalanced(stand: Stand, peer: PeerName): Promise<Result[]> {
  const topic = await stand.topic('rebalance')
  const job = { topic, records: 0, handlerMs: 5, ...(await stand.group(topic)), tierTopics: [] }
  const stays = stand.start(peer, { ...job, case: 'stay' })
  const comesAndGoes = stand.start(peer, { ...job, case: 'handOver' })
  const stopFeeding = await stand.feed(topic, 1_000)
  await comesAndGoes.heard('ready')
  const stillMs = { nothing: [] as number[], join: [] as number[], leave: [] as number[] }
  const measured = async (what: keyof typeof stillMs, change: () => Promise<unknown>): Promise<void> => {
    await longest(stays)
    await change()
    await pause(2_000)
    stillMs[what].push(await longest(stays))
  }
  await alone(stays)
  for (let i = 0; i < 5; i++) {
    await measured('nothing', async () => {})
    await measured('join', () => answered(comesAndGoes, 'join', 'joined'))
    // The one that stays learns of it by its next heartbeat, and only then takes over.
    await measured('leave', () => answered(comesAndGoes, 'leave', 'left').then(() => alone(stays)))
  }
  for (const child of [stays, comesAndGoes]) child.tell('stop')
  await Promise.all([stays.end(), comesAndGoes.end(), stopFeeding()])
  const of = (name: string, all: readonly number[]): Result => ({ case: name, peer: labels[peer], stillMs: middle(all)! })
  return [
    ...stillMs.nothing.map(ms => of('nothing changes', [ms])),
    ...stillMs.join.map(ms => of('a member joins', [ms])),
    ...stillMs.leave.map(ms => of('a member leaves', [ms])),
    of('a member joins or leaves', [...stillMs.join, ...stillMs.leave]),
  ]
}

async function answered(child: Child, question: string, answer: string): Promise<Readonly<Record<string, number>>> {
  child.tell(question)
  return child.heard(answer)
}

/** Until it has handled a record of every partition. */
async function alone(stays: Child): Promise<void> {
  await answered(stays, 'alone', 'alone')
}

async function longest(child: Child): Promise<number> {
  return (await answered(child, 'longest', 'longest')).ms!
}

/** All at once: what an idle process takes is too little to disturb the others. */
async function idle(stand: Stand): Promise<() => Promise<Result[]>> {
  const seconds = 30
  const topic = await stand.filledTopic(1)
  const played = async (peer: PeerName): Promise<Result> => {
    const child = stand.start(peer, { case: 'idle', topic, records: 0, ...(await stand.group(topic)) })
    await child.heard('joined')
    await pause(5_000)
    child.tell('begin')
    await pause(seconds * 1_000)
    const { cpuSeconds, rssMb } = await answered(child, 'end', 'cost')
    child.tell('stop')
    await child.end()
    return { case: 'joined, nothing to do', peer: labels[peer], cpuPercent: (cpuSeconds! / seconds) * 100, rssMb: rssMb! }
  }
  return () => Promise.all([played('spillway'), played('eachMessage'), played('platformatic')])
}

/** Of a DLQ that each peer finds as the others did; then what a slow redrive does to retries that are under way. */
async function redrive(stand: Stand): Promise<() => Promise<Result[]>> {
  const letters = 240_000
  const { topic, group } = await stand.redriven(letters)
  let runs = 0
  return async () => {
    // What Spillway has moved once it does not move again.
    const fresh = ++runs === 1 ? { topic, group } : await stand.redriven(letters)
    const moved = (peer: PeerName) => redriven(stand, peer, { ...fresh, records: letters })
    return [await moved('spillway'), await moved('kafkajsTransactions'), await moved('kafkajs'), ...(await liveRetries(stand))]
  }
}

async function redriven(stand: Stand, peer: PeerName, job: { topic: string; group: string; records: number }): Promise<Result> {
  const child = stand.start(peer, { ...job, case: 'redrive' })
  const cost = await child.heard('cost')
  await child.end()
  const perSecond = job.records / cost.seconds!
  return { case: '2,000 a transaction', peer: labels[peer], records: job.records, perSecond, ...costs(cost, job.records) }
}

/** 200 messages a second that fail once, and how late their retries begin; alone, and beside as much else as is published, or redriven, to the same group. */
async function liveRetries(stand: Stand): Promise<Result[]> {
  const [seconds, rate] = [15, 2_000]
  const { topic, group } = await stand.redriven((seconds + 10) * rate)
  const retrying = stand.start('spillway', { case: 'retriesBeside', topic, group, records: 0 })
  const stopFeeding = await stand.feed(topic, 200)
  const measured = async (name: string): Promise<Result> => {
    await answered(retrying, 'percentiles', 'percentiles')
    await pause(seconds * 1_000)
    const { p50Ms, p99Ms, records } = await answered(retrying, 'percentiles', 'percentiles')
    return { case: name, peer: labels.spillway, records: records!, p50Ms: p50Ms!, p99Ms: p99Ms! }
  }
  await retrying.heard('retried')
  await pause(3_000)
  const alone = await measured('retries that are under way')
  const stopOthers = await stand.feed(topic, rate, 'others')
  await pause(3_000)
  const besideOthers = await measured('the same, beside 2,000 others published a second')
  await stopOthers()
  const redriving = stand.start('spillway', { case: 'redrive', topic, group, records: Number.MAX_SAFE_INTEGER, rate })
  await pause(3_000)
  const beside = await measured('the same, beside a redrive of 2,000 a second')
  for (const child of [redriving, retrying]) child.tell('stop')
  await Promise.all([redriving.end(), retrying.end(), stopFeeding()])
  return [alone, besideOthers, beside]
}

/**
 * Each peer in a process of its own, so that none sees the types of others. They take turns of a tenth of a second: what else the
 * machine does, and how fast it is, meets them all.
 */
async function codec(stand: Stand): Promise<() => Promise<Result[]>> {
  const peers: readonly PeerName[] = ['spillway', 'avsc', 'avscOwnBuffer', 'kafkajsRegistry']
  const turns = 15
  return async () => {
    const children = peers.map(peer => stand.start(peer, { case: 'codec', topic: '', records: 0 }))
    const all: Result[] = []
    for (const name of shapes.flatMap(shape => [`encode, ${shape.name}`, `decode, ${shape.name}`])) {
      for (const child of children) await answered(child, 'warm up', 'warm')
      const rates: number[][] = peers.map(() => [])
      for (let turn = 0; turn < turns; turn++)
        for (const [i, child] of children.entries()) rates[i]!.push((await answered(child, 'slice', 'slice')).perSecond!)
      all.push(...peers.map((peer, i) => ({ case: name, peer: labels[peer], perSecond: middle(rates[i]!)! })))
    }
    for (const child of children) child.tell('stop')
    await Promise.all(children.map(child => child.end()))
    return all
  }
}

function costs({ cpuSeconds, rssMb }: Readonly<Record<string, number>>, records: number): Partial<Result> {
  return { cpuSecondsPer10k: (cpuSeconds! / records) * 10_000, rssMb: rssMb! }
}
