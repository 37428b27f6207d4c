/**
 * The port through which the loop learns that a record may have to wait, be moved on, or run, and what its attempt leads to.
 * The loop does not know why; retry/ implements this and process/ puts it in.
 */
import type { BrokerRecord } from '../broker/port.ts'
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

export type Verdict =
  | { readonly kind: 'run' }
  /** Held in memory and asked again at this time (milliseconds since 1970). */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** `forward` moves it to where it waits. */
  | { readonly kind: 'forward'; readonly untilMs: number }
  /** Finished without running: a live copy exists elsewhere. */
  | { readonly kind: 'drop' }

/** What an attempt came to, before anybody has judged it. */
export type Attempted =
  | { readonly kind: 'returned'; readonly type: string; readonly id: string; readonly durationMs: number }
  | { readonly kind: 'threw'; readonly type: string; readonly id: string; readonly error: unknown }
  | { readonly kind: 'undecodable'; readonly error: unknown }
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'unhandled'; readonly type: string; readonly id: string; readonly deadLetter: boolean }

/** What a partition waits for. */
export type BlockReason = 'registry' | 'broker' | 'produce'

/** The assignment that a delivery belongs to. */
export interface Session {
  /**
   * Runs `work` until it resolves, with growing pauses. While it fails, the delivery's partition is paused, and its place among
   * those that run at the same time is another's. An error for which `reasonOf` gives nothing rejects at once; so does any when
   * the session drains.
   */
  persist<T>(delivery: Delivery, reasonOf: (error: unknown) => BlockReason | undefined, work: () => Promise<T>): Promise<T>
}

export interface Admission {
  admit(delivery: Delivery): Verdict
  /** Resolves when the copy that waits is acknowledged; rejects only when `session` drains before it is. */
  forward(delivery: Delivery, untilMs: number, session: Session): Promise<void>
  /** Resolves when everything the attempt leads to is acknowledged; rejects only when `session` drains before it is. */
  settle(delivery: Delivery, attempted: Attempted, session: Session): Promise<void>
}
