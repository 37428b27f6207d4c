import type { Job } from '../job.ts'
import type { Parent } from '../parent.ts'
import type { Peer } from '../peers/peers.ts'
import { codec } from './codec.ts'
import { consume } from './consume.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { produceBatches, produceSingly } from './produce.ts'
import { handOver, stay } from './rebalance.ts'
import { redrive } from './redrive.ts'
import { replay } from './replay.ts'
import { retriesBeside } from './retries-beside.ts'
import { drained, failing, lateness, rebuild } from './retry.ts'

/** The child's half of each case. */
export type Case = (peer: Peer, job: Job, parent: Parent) => Promise<void>

export const cases = {
  consume,
  produceSingly,
  produceBatches,
  latency,
  stay,
  handOver,
  idle,
  lateness,
  failing,
  drained,
  rebuild,
  redrive,
  retriesBeside,
  replay,
  codec,
} satisfies Record<string, Case>
export type CaseName = keyof typeof cases
