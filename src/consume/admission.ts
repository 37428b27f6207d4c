/**
 * The port through which the loop learns that a record may have to wait, be moved on, or run, and what its attempt leads to.
 * The loop does not know why; retry/ implements this and process/ puts it in.
 */
import type { AssignedPartition, BrokerRecord, TopicPartition } from '../broker/port.ts'
import type { RecordRefused } from '../errors.ts'
import type { Origin } from '../message/envelope.ts'
import type { Trail } from '../topic/trail.ts'

/** A fetched record on its way through this process. */
export interface Delivery {
  readonly record: BrokerRecord
  /** Where the message was published: the record's own place, or what the trail of a tier's copy says. */
  readonly origin: Origin
  /** Present on records of the group's own tiers. On a source topic such headers are anyone's and are not read. */
  readonly trail?: Trail
  /** The number of the next try: 1 for the first. */
  readonly attempt: number
  /** Why it is not looked into (guard.ts). It is asked nothing and dead-lettered. */
  readonly refusal?: RecordRefused
}

/** What becomes of a record that has begun, or whose time has come. */
export type Verdict =
  /** Into the lane of its entity; at its turn there it is asked about again. */
  | { readonly kind: 'lane' }
  /** Held in memory and asked about again at this time (milliseconds since 1970). */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Held in memory until Admission releases or finishes it. */
  | { readonly kind: 'keep' }
  /** Finished without running: its live copy is elsewhere. */
  | { readonly kind: 'drop' }

/** What becomes of a record whose turn in its lane has come. */
export type Turn =
  | Exclude<Verdict, { readonly kind: 'lane' }>
  | { readonly kind: 'run' }
  /** Finished once `move` resolves: its copy elsewhere is acknowledged. It rejects only when the session drains before. */
  | { readonly kind: 'move'; readonly move: () => Promise<void> }

/** What an attempt came to, before anybody has judged it. */
export type Attempted =
  | { readonly kind: 'returned'; readonly type: string; readonly id: string; readonly durationMs: number }
  | { readonly kind: 'threw'; readonly type: string; readonly id: string; readonly error: unknown }
  | { readonly kind: 'undecodable'; readonly error: unknown }
  | { readonly kind: 'refused'; readonly error: unknown }
  | {
      readonly kind: 'unhandled'
      readonly type: string
      readonly id: string
      readonly deadLetter: boolean
      /** A copy of a topic that this processor does not read. Another version of it does, or did. */
      readonly isForeign?: boolean
    }

/** What a partition waits for. */
export type BlockReason = 'registry' | 'broker' | 'produce' | 'index'

/** What an error makes a partition wait for; nothing for an error that is no outage. */
export type ReasonOf = (error: unknown) => BlockReason | undefined

/** A delivery that has begun. What else belongs to it is the session's own business. */
export interface Begun {
  readonly delivery: Delivery
}

/** The assignment that a delivery belongs to. */
export interface Session {
  /** Aborted when nothing begins any more. */
  readonly draining: AbortSignal
  /** Nothing of it counts any more: another process may own its partitions. */
  readonly isOver: boolean
  /**
   * Runs `work` until it resolves, with growing pauses; while it fails the partition is paused. An error for which `reasonOf` gives
   * nothing rejects at once; so does any when the session drains.
   */
  persist<T>(at: TopicPartition, reasonOf: ReasonOf, work: () => Promise<T>): Promise<T>
  /**
   * One more try of a record whose last one is being settled, as `next`, at `timeMs` (milliseconds since 1970) or later; what is behind
   * it in its lane waits, its place is another's until then. Rejects when the session drains before.
   */
  again(begun: Begun, next: Delivery, timeMs: number): Promise<Attempted>
  /** One that was kept goes (back) into its lane. */
  release(begun: Begun): void
  /** One that was kept is not due before this time. */
  wait(begun: Begun, untilMs: number): void
  /** It is finished, in this very step. Finishing twice does nothing. */
  finish(begun: Begun): void
  /** These offsets of the partition need not run, though they have not been fetched yet. */
  finishAhead(at: TopicPartition, offsets: readonly bigint[]): void
  /** Of the records that one of the partitions with this number may have unfinished here, half are kept. */
  keepsMuch(partition: number): boolean
}

/** Who is asked about the records of one assignment. */
export interface AssignedAdmission {
  /** Until it resolves nothing of this partition number begins. Undefined: at once. Rejects only when the session drains. */
  ready(partition: number): Promise<void> | undefined
  /** Asked when a record begins, in the order of its partition, and again when its time has come. */
  admit(begun: Begun): Verdict
  /** Asked when its turn in its lane has come. */
  turn(begun: Begun): Turn
  /** Resolves when everything the attempt leads to is acknowledged; rejects only when the session drains before it is. Nothing to wait for: undefined. */
  settle(begun: Begun, attempted: Attempted): Promise<void> | undefined
  /** It tries records again while it settles them: their places are not another's meanwhile. */
  readonly keepsPlace?: boolean
  /** More of a partition has begun, up to `position`. */
  advanced(at: TopicPartition, position: bigint): void
  /** What lay at these offsets of the partition cannot be fetched any more. */
  lost(at: TopicPartition, from: bigint, to: bigint): void
  /** Whether it can go on when the log of this partition was made anew. Else the assignment has to begin anew too. */
  outlives(at: TopicPartition): boolean
  /** For whoever looks at it. */
  parked(): readonly ParkedEntity[]
}

/** An entity with a record that waits for a retry, or is blocked by one. Never its key. */
export interface ParkedEntity {
  /** Of the record that the others wait for. */
  readonly origin: Origin
  /** Tries of its handler so far. */
  readonly attempt: number
  readonly firstFailedAtMs: number | undefined
  /** Milliseconds since 1970. */
  readonly dueAtMs: number
  readonly fingerprint: string
  /** It has tried the whole ladder and goes on (onExhausted: 'block'). */
  readonly isBlocked: boolean
  /** Records that wait behind it. */
  readonly followers: number
}

/** The port to retry/, one a group. */
export interface Admission {
  /** A fresh assignment: nothing of the one before counts any more. */
  onAssigned(assigned: readonly AssignedPartition[], session: Session): AssignedAdmission
}
