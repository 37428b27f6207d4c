/** How far one group is in one process, for whoever looks at it: health, metrics, the test kit. Never a payload, never a key. */
import type { TopicPartition } from '../broker/port.ts'
import type { Origin } from '../message/envelope.ts'
import type { BlockReason, ParkedEntity } from './admission.ts'

export interface SessionProgress {
  /** Records in lanes, running or queued. */
  readonly queued: number
  readonly running: number
  /** Of the queued ones, those that an open breaker holds: all that do not run. 0 while it is closed. */
  readonly held: number
  /** Records in memory that are not due. */
  readonly waiting: number
  /** Every assigned partition. */
  readonly partitions: readonly PartitionProgress[]
  /** What is being decoded or handled now; not what only waits for an outage to end. */
  readonly attempts: readonly RunningAttempt[]
  /** Entities with a record that waits for a retry. Made when asked: there may be many. */
  readonly parked: () => readonly ParkedEntity[]
}

export interface PartitionProgress extends TopicPartition {
  /** The next offset to be read. */
  readonly position: bigint
  /** What the broker has acknowledged, at first what the assignment began with. */
  readonly committed: bigint
  /** The offset after the partition's last record, as of the last fetch; undefined before the first. */
  readonly end: bigint | undefined
  readonly unfinished: number
  readonly waiting: number
  /** The timestamp of the first record that is not finished; undefined when all that were fetched are. */
  readonly oldestMs: number | undefined
  readonly paused: readonly PauseReason[]
  readonly blocked: Blocked | undefined
}

/** `window`: enough unfinished records are here. `blocked`: a record waits for the registry, for the broker or for a produce. */
export type PauseReason = 'window' | 'blocked'

/** Since when a record of the partition has been waiting, its vain tries included. */
export interface Blocked {
  readonly reason: BlockReason
  readonly sinceMs: number
}

export interface RunningAttempt {
  readonly origin: Origin
  readonly startedAtMs: number
}
