import type { Job } from '../job.ts'
import type { Parent } from '../parent.ts'
import type { Peer } from '../peers/peers.ts'
import { consume } from './consume.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { lateness } from './lateness.ts'
import { produceBatches, produceSingly } from './produce.ts'
import { handOver, stay } from './rebalance.ts'
import { redrive } from './redrive.ts'
import { replay } from './replay.ts'

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
  redrive,
  replay,
  lateness,
} satisfies Record<string, Case>
export type CaseName = keyof typeof cases
