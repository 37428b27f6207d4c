import type { AssignedPartition, TopicPartition } from '../broker/port.ts'
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

  all(): readonly Partition[] {
    return this.#all
  }
}
