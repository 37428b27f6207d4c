import type { AssignedPartition, CommittedOffset, TopicPartition } from '../broker/port.ts'
import { encodeFinished } from './finished.ts'
import { Partition, type PartitionOptions } from './partition.ts'

/** The partitions of one assignment. */
export class Partitions {
  readonly #all: readonly Partition[]
  readonly #byPlace = new Map<string, Map<number, Partition>>()

  constructor(assigned: readonly AssignedPartition[], options: PartitionOptions) {
    this.#all = assigned.map(one => new Partition(one, options))
    for (const one of this.#all) {
      const ofTopic = this.#byPlace.get(one.topic) ?? new Map<number, Partition>()
      this.#byPlace.set(one.topic, ofTopic.set(one.partition, one))
    }
  }

  of({ topic, partition }: TopicPartition): Partition | undefined {
    return this.#byPlace.get(topic)?.get(partition)
  }

  /** What has changed since the last call, all of one instant. */
  takeCommit(): CommittedOffset[] {
    return this.#all
      .filter(({ ledger }) => ledger.takeChanged())
      .map(({ topic, partition, ledger }) => {
        const offset = ledger.prefix
        return { topic, partition, offset, metadata: encodeFinished(offset, ledger.finishedAbovePrefix()) }
      })
  }

  all(): readonly Partition[] {
    return this.#all
  }
}
