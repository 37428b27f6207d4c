/** What Spillway means to reach, each beside its peer of the same run. */
import { number, type Result } from './result.ts'
import { besideCase, forwardsCase } from './retry.ts'
import { shapes } from './shapes.ts'

interface Goal {
  readonly goal: string
  readonly suite: string
  readonly value: (of: Find) => number | undefined
  readonly atLeast?: number
  readonly atMost?: number
}

type Find = (name: string, peer: string) => Result | undefined

const goals: readonly Goal[] = [
  {
    goal: '2 ms handlers: times kafkajs eachMessage',
    suite: 'consume',
    value: of =>
      ratio(of('2 ms handler, concurrency 1,024', 'Spillway')?.perSecond, of('2 ms handler', 'kafkajs eachMessage')?.perSecond),
    atLeast: 30,
  },
  {
    goal: 'no-op, decoded: times kafkajs eachMessage, not decoded',
    suite: 'consume',
    value: of => ratio(of('no-op handler', 'Spillway')?.perSecond, of('no-op handler', 'kafkajs eachMessage')?.perSecond),
    atLeast: 1,
  },
  {
    goal: '1,000 callers, idempotent: times kafkajs, not idempotent',
    suite: 'produce',
    value: of => ratio(of('1,000 callers', 'Spillway')?.perSecond, of('1,000 callers', 'kafkajs')?.perSecond),
    atLeast: 10,
  },
  {
    goal: 'batches, encoded and idempotent: times kafkajs with the bytes ready, not idempotent',
    suite: 'produce',
    value: of => ratio(of('batches of 1,000', 'Spillway')?.perSecond, of('batches of 1,000', 'kafkajs')?.perSecond),
    atLeast: 1,
  },
  {
    goal: 'latency p99 at 1,000/s: times kafkajs',
    suite: 'latency',
    value: of => ratio(of('1,000 a second', 'Spillway')?.p99Ms, of('1,000 a second', 'kafkajs eachMessage')?.p99Ms),
    atMost: 1.2,
  },
  {
    goal: 'a rebalance, ms at a stand',
    suite: 'rebalance',
    value: of => of('a member joins or leaves', 'Spillway')?.stillMs,
    atMost: 50,
  },
  {
    goal: 'redrive, letters/s',
    suite: 'redrive',
    value: of => of('2,000 a transaction', 'Spillway')?.perSecond,
    atLeast: 40_000,
  },
  {
    goal: 'retries beside a slow redrive, p99: times without',
    suite: 'redrive',
    value: of =>
      ratio(
        of('the same, beside a redrive of 2,000 a second', 'Spillway')?.p99Ms,
        of('retries that are under way', 'Spillway')?.p99Ms,
      ),
    atMost: 2,
  },
  {
    goal: 'idle with four tiers, % of a core',
    suite: 'idle',
    value: of => of('joined, nothing to do', 'Spillway')?.cpuPercent,
    atMost: 1,
  },
  {
    goal: 'no-op, replayed: times live',
    suite: 'replay',
    value: of => ratio(of('no-op handler, replayed', 'Spillway')?.perSecond, of('no-op handler, live', 'Spillway')?.perSecond),
    atLeast: 1,
  },
  {
    goal: '2 ms handlers, replayed: times live',
    suite: 'replay',
    value: of => ratio(of('2 ms handler, replayed', 'Spillway')?.perSecond, of('2 ms handler, live', 'Spillway')?.perSecond),
    atLeast: 1,
  },
  ...['1s', '5s'].map(tier => ({
    goal: `retries of tier ${tier}: ms late, p99`,
    suite: 'retry',
    value: (of: Find) => of(`late in tier ${tier}`, 'Spillway')?.p99Ms,
    atMost: 50,
  })),
  ...[20, 5].map(failEvery => ({
    goal: `1 entity in ${failEvery} fails: times the rate that the others have when nobody does`,
    suite: 'retry',
    value: (of: Find) =>
      ratio(
        of(besideCase(failEvery), 'Spillway')?.perSecond,
        (of(besideCase(0), 'Spillway')?.perSecond ?? Number.NaN) * (1 - 1 / failEvery),
      ),
    atLeast: 0.8,
  })),
  {
    goal: 'tiers 1s and 5s: forwards a failure',
    suite: 'retry',
    value: of => of(forwardsCase, 'Spillway')?.perFailure,
    atMost: 3,
  },
  {
    goal: 'idle with five tiers: times that with one',
    suite: 'retry',
    value: of => ratio(of('idle with 5 tiers', 'Spillway')?.cpuPercent, of('idle with 1 tier', 'Spillway')?.cpuPercent),
    atMost: 1.25,
  },
  ...['encode', 'decode'].flatMap(what =>
    shapes.map(({ name }) => ({
      goal: `${what}, ${name}: times avsc`,
      suite: 'codec',
      value: (of: Find) => ratio(of(`${what}, ${name}`, 'Spillway')?.perSecond, of(`${what}, ${name}`, 'avsc')?.perSecond),
      atLeast: 0.85,
    })),
  ),
]

export interface Verdict {
  readonly goal: string
  readonly wanted: string
  readonly value: number
  readonly met: boolean
}

export function verdicts(suite: string, results: readonly Result[]): Verdict[] {
  const find: Find = (name, peer) => results.find(one => one.case === name && one.peer === peer)
  return goals
    .filter(one => one.suite === suite)
    .flatMap(({ goal, value: measure, atLeast, atMost }) => {
      const value = measure(find)
      if (value === undefined) return []
      // As it is shown: 0.998 is 1.00.
      const shown = Math.round(value * 100) / 100
      const met = shown >= (atLeast ?? Number.NEGATIVE_INFINITY) && shown <= (atMost ?? Number.POSITIVE_INFINITY)
      return [{ goal, wanted: atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`, value, met }]
    })
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ goal, wanted, value, met }) => `| ${goal} | ${wanted} | ${number(value, 2)} | ${met ? 'met' : 'missed'} |`,
  )
  return ['| goal | wanted | value | |', '| --- | --: | --: | --- |', ...rows].join('\n')
}

function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs
}
