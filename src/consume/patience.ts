/** Waiting, in an assignment, for what is nobody's fault: the partition is paused, and a place in the lanes is another's meanwhile. */
import type { TopicPartition } from '../broker/port.ts'
import type { Signals } from '../observe/signals.ts'
import type { ReasonOf } from './admission.ts'
import type { Clock } from './clock.ts'
import type { SessionLimits } from './limits.ts'
import { waitOut } from './outage.ts'
import type { Partitions } from './partitions.ts'

export interface PatienceOptions {
  readonly group: string
  readonly partitions: Partitions
  readonly clock: Clock
  readonly limits: SessionLimits
  readonly signals: Signals
  readonly draining: AbortSignal
  readonly isOver: () => boolean
}

export class Patience {
  readonly #options: PatienceOptions

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Goes on, after `error`, until `work` resolves. Rejects with an error that has no reason to wait, or when the session drains. */
  async after<T>(error: unknown, { topic, partition }: TopicPartition, reasonOf: ReasonOf, work: () => Promise<T>): Promise<T> {
    const { group, partitions, clock, limits, signals, draining, isOver } = this.#options
    const reason = reasonOf(error)
    if (draining.aborted || reason === undefined) throw error
    const blocked = partitions.of({ topic, partition })!
    const about = { group, topic, partition }
    blocked.block(reason)
    try {
      return await waitOut(error, { work, reasonOf, about, draining, clock, limits, signals })
    } finally {
      // After the end the consumer is another assignment's, whose pauses are none of ours.
      if (!isOver() && blocked.unblock()) signals.emit('partition.unblocked', about)
    }
  }
}
