/** How many records a plan means, and how long they may take. It rests on a sample that is read: offsets alone tell neither. */
import type { Reader } from '../broker/port.ts'
import type { ReplayPlan } from './plan.ts'
import type { Standing } from './side-group.ts'

export interface Estimate {
  /** Offsets between where it goes on and where it ends: records, and what takes offsets without being one. */
  readonly offsets: bigint
  /** Records that would be handled: what the sample has, for all. */
  readonly records: bigint
  /** What `records` and `readPerSecond` rest on. */
  readonly sampledOffsets: bigint
  readonly sampledRecords: number
  /** The sample was all there is: `records` is no estimate. */
  readonly isWhole: boolean
  /** How fast the sample was read, without any handler; undefined when it was too small to tell. */
  readonly readPerSecond: number | undefined
}

/** Of all partitions together. Enough for a rate, read in well under a second. */
const mostSampled = 20_000n
const fewestTimed = 500

/** Reads the first records of every partition, evenly. */
export async function estimate(
  reader: Reader,
  { partitions, key }: ReplayPlan,
  now = () => performance.now(),
): Promise<Estimate> {
  const offsets = partitions.reduce((total, one) => total + left(one), 0n)
  const share = mostSampled / BigInt(Math.max(1, partitions.length)) + 1n
  let [read, matching, sampledOffsets, tookMs] = [0, 0, 0n, 0]
  for (const one of partitions) {
    const { topic, partition, position } = one
    const to = position + (left(one) < share ? left(one) : share)
    if (to === position) continue
    let firstAtMs: number | undefined
    await reader.read({ topic, partition, from: position, to }, record => {
      // From the first record on, so that neither connecting nor an empty answer counts.
      firstAtMs ??= now()
      read++
      if (key === undefined || record.key?.equals(key)) matching++
    })
    sampledOffsets += to - position
    if (firstAtMs !== undefined) tookMs += now() - firstAtMs
  }
  return {
    offsets,
    records: sampledOffsets === 0n ? 0n : (offsets * BigInt(matching)) / sampledOffsets,
    sampledOffsets,
    sampledRecords: read,
    isWhole: sampledOffsets === offsets,
    readPerSecond: read < fewestTimed || tookMs === 0 ? undefined : Math.round((read * 1_000) / tookMs),
  }
}

function left({ position, to }: Standing): bigint {
  return to > position ? to - position : 0n
}
