/** What a child process is asked to do, and what passes between it and the bench. */
import type { Duration } from 'spillway'
import type { CaseName } from './cases/cases.ts'
import type { PeerName } from './peers/peers.ts'

export interface Job {
  readonly peer: PeerName
  readonly case: CaseName
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly schemaId: number
  readonly topic: string
  /** The topics that a process with four retry tiers reads besides. */
  readonly tierTopics: readonly string[]
  readonly group: string
  /** How many records are read or written. */
  readonly records: number
  readonly handlerMs: number
  /** Entities at the same time, for those who have such a setting; default: that of the library. */
  readonly concurrency?: number
  /** The retry tiers of Spillway; default: its own. */
  readonly tiers?: readonly Duration[]
  /** One of so many entities or messages fails, whatever the case says; 0: none. */
  readonly failEvery?: number
  /** Letters a second of a redrive; default: as fast as it goes. */
  readonly rate?: number
}

export interface Message {
  readonly name: string
  readonly values: Readonly<Record<string, number>>
}

export const nowMs = (): number => performance.timeOrigin + performance.now()
