/**
 * Everything that the flow tells the outside, one line each. The flow rooms emit; logs, metrics and traces listen.
 * A signal never carries a payload, a record's value or a secret.
 */
import type { Origin } from '../message/envelope.ts'
import type { Disposition, Failure } from '../topic/trail.ts'

/** The record that a signal is about: where it was published, not where its copy lies. */
export interface AboutMessage {
  readonly group: string
  /** Full schema name; `tombstone` for a record without a value, '' when it could not be told. */
  readonly type: string
  /** The message's id; '' when it could not be told. */
  readonly id: string
  readonly origin: Origin
  /** Tries of the handler, this one included. */
  readonly attempt: number
}

export interface AboutPartition {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

export interface SignalMap {
  /** A fresh assignment: these partitions are this process's now. */
  'consumer.joined': { group: string; partitions: number }
  /** The first fetch of this assignment was answered, or there is nothing to fetch: no partition is this process's. */
  'consumer.polled': { group: string }
  /** The group rebalances or this process stops: nothing new starts, what runs is finished. */
  'consumer.revoking': { group: string; running: number }
  /** What ran has finished, or the time for it is over: `unfinished` handlers still run and their results will be ignored. */
  'consumer.drained': { group: string; unfinished: number; durationMs: number }
  /** The consumer broke down. It is rebuilt after `retryInMs`. */
  'consumer.crashed': { group: string; error: unknown; retryInMs: number }
  /** The group was left. */
  'consumer.stopped': { group: string }
  /** A handler returned. */
  'message.done': AboutMessage & { durationMs: number }
  /** A handler failed; a copy was written to the tier. `blocked`: the ladder is exhausted, and its entity waits all the same. */
  'message.retried': AboutMessage & { tier: string; failure: Failure; blocked: boolean }
  /** A copy was written to a tier to wait, without a failure: a delayed job, or the next hop of a long wait. */
  'message.delayed': AboutMessage & { tier: string; untilMs: number }
  /** A copy was written to the tier in which an earlier message of its entity waits until then. */
  'message.followed': AboutMessage & { tier: string; untilMs: number }
  /** A copy that nobody waited for was finished without running: a process that is gone had written it, and its message goes on elsewhere. */
  'copy.dropped': { group: string; tier: string; origin: Origin }
  /** A record of a tier begins to run, so long after it was due. Not told of one that had to wait for another of its entity. */
  'retry.started': { group: string; tier: string; lateMs: number }
  /** The processor's `route` threw, or answered what is no route; the next tier was taken. */
  'route.failed': { group: string; error: unknown }
  /** A copy was written to the DLQ. */
  'message.deadLettered': AboutMessage & { disposition: Disposition; failure: Failure }
  /** Finished without an effect: the handler asked for it, or nobody handles this type. */
  'message.skipped': AboutMessage & { reason: 'requested' | 'unhandled'; detail: string }
  /** In a replay: a handler failed, and its record is tried again in its lane after `retryInMs`. */
  'replay.retried': AboutMessage & { retryInMs: number; failure: Failure }
  /** In a replay: a record was given up, and handed to whoever keeps what failed. */
  'replay.failed': AboutMessage & { disposition: Disposition; failure: Failure }
  /** A handler ran past its deadline; whatever it still does or returns is ignored. */
  'handler.timedOut': AboutMessage & { timeoutMs: number }
  /** A handler settled after its deadline or after the assignment was lost. */
  'handler.late': { group: string; type: string }
  /** A partition waits: `reason` says for what. Nothing of it is lost or passed over. Told again at every failure, until it is unblocked. */
  'partition.blocked': AboutPartition & { reason: 'registry' | 'broker' | 'produce' | 'index'; error: unknown; retryInMs: number }
  'partition.unblocked': AboutPartition
  /** The group cannot read what was written with this schema, for `reason`: its messages become dead letters. Told once of each schema. */
  'schema.unreadable': { group: string; type: string; schemaId: number; reason: string }
  /** The registry does not answer, or does not know it (any more): a schema, or the id of one, is taken from disk. Told once of each. */
  'schema.fromDisk': { schemaId: number; error: unknown }
  /** Schemas cannot be kept in their folder (told once), or what is in a file cannot be used (once of each file). */
  'schemaFolder.failed': { what: 'read' | 'write'; path: string; error: unknown }
  /** So many entities failed with one error that it is taken for an outage: nothing starts, nothing is written to a tier or the DLQ. */
  'breaker.opened': { group: string; failure: Failure; failed: number; tried: number; windowMs: number }
  /** One record was tried, and failed as those before. */
  'breaker.probed': { group: string; origin: Origin; failure: Failure; openForMs: number }
  /** Everything goes on. `success`, `other-error`: that is what a try came to; `unassigned`: this process has no partition any more. */
  'breaker.closed': {
    group: string
    fingerprint: string
    reason: 'success' | 'other-error' | 'unassigned'
    openForMs: number
  }
  /** Not all topics of one partition number could be given to one member: the order of an entity is at risk while it lasts. */
  'order.atRisk': { group: string; partition: number }
  /**
   * Records that the group has not handled are gone: `from` is where it was to go on, `to` the first there is. `deleted`: by
   * retention or by hand; `log-ends-before`: the log was lost or made anew; `commit-gone`: the commit was, as with a topic made anew.
   */
  'offset.reset': AboutPartition & { from: bigint; to: bigint; reason: 'deleted' | 'log-ends-before' | 'commit-gone' }
  /** A batch could not be read and becomes one dead letter; the records in it are not handled. Told again when it is read again. */
  'batch.unreadable': AboutPartition & { firstOffset: bigint; lastOffset: bigint; codec: string; bytes: number; reason: string }
  /** The consumer has ended and is not rebuilt: somebody has to decide first. */
  'consumer.failed': { group: string; error: unknown }
  /** A commit failed; the next one carries the same positions. */
  'commit.failed': { group: string; error: unknown }
}

export type SignalName = keyof SignalMap
export type Listener<N extends SignalName> = (signal: SignalMap[N]) => void

/** Synchronous and small: emitting to nobody costs a map look-up. A listener that throws must not stop a message, so it is dropped from that call only. */
export class Signals {
  readonly #listeners = new Map<SignalName, Listener<never>[]>()

  /** Returns the function that takes the listener away again. */
  on<N extends SignalName>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? []
    this.#listeners.set(name, [...listeners, listener as Listener<never>])
    return () => {
      this.#listeners.set(
        name,
        (this.#listeners.get(name) ?? []).filter(one => one !== listener),
      )
    }
  }

  /** Whether anybody listens: for what is dear to put together. */
  hears(name: SignalName): boolean {
    return (this.#listeners.get(name)?.length ?? 0) > 0
  }

  emit<N extends SignalName>(name: N, signal: SignalMap[N]): void {
    const listeners = this.#listeners.get(name)
    if (!listeners) return
    for (const listener of listeners) {
      try {
        ;(listener as Listener<N>)(signal)
      } catch {
        // A broken listener is its owner's bug; the message goes on.
      }
    }
  }
}
