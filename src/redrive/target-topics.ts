import type { Admin, TopicPartition } from '../broker/port.ts'
import { type DlqSource, namesOf } from '../dlq/source.ts'
import { RedriveTargetUnfit } from '../errors.ts'
import { isDerived } from '../topic/names.ts'

/**
 * Whether copies can be written where they should go. Found out before: in the middle of a run, part of it would have been moved.
 * What a topic was found to have is not asked for again.
 */
export class TargetTopics {
  readonly #source: DlqSource
  readonly #partitions = new Map<string, Promise<number | undefined>>()

  constructor(source: DlqSource) {
    this.#source = source
  }

  /** Rejects with RedriveTargetUnfit (E_REDRIVE_TARGET) unless all of these partitions exist. */
  async check(targets: Iterable<TopicPartition>): Promise<void> {
    const highest = new Map<string, number>()
    for (const { topic, partition } of targets) {
      const known = highest.get(topic)
      if (known === undefined || known < partition) highest.set(topic, partition)
    }
    for (const [topic, partition] of highest) await this.#checkOne(topic, partition)
  }

  async #checkOne(topic: string, partition: number): Promise<void> {
    const has = await this.#count(topic)
    if (has !== undefined && partition < has) return
    throw new RedriveTargetUnfit(
      has === undefined
        ? `cannot redrive '${this.#source.group}': there is no topic ${topic}. ${advice(topic)}`
        : `cannot redrive '${this.#source.group}': ${topic} has ${has} partitions, but letters are to go to its partition ${partition} ` +
            `and must keep their partition. ${advice(topic)}`,
    )
  }

  async #count(topic: string): Promise<number | undefined> {
    const known = this.#partitions.get(topic) ?? partitionsOf(this.#source.admin, topic)
    this.#partitions.set(topic, known)
    return known
  }
}

function advice(topic: string): string {
  return isDerived(topic) ? 'Run: spillway topic apply' : 'Choose other letters with --where, or another topic with --to'
}

/** Rejects with RedriveTargetUnfit (E_REDRIVE_TARGET) when there is no topic to record in what is moved. */
export async function checkMovedTopic(source: DlqSource): Promise<void> {
  const { moved } = namesOf(source)
  if ((await partitionsOf(source.admin, moved)) !== undefined) return
  const how = source.foreign ? 'It needs one partition, to be kept for ever (retention.ms=-1)' : 'Run: spillway topic apply'
  throw new RedriveTargetUnfit(`cannot redrive '${source.group}': there is no topic ${moved}. ${how}`)
}

async function partitionsOf(admin: Admin, topic: string): Promise<number | undefined> {
  const [state] = await admin.topics([topic], { config: false })
  return state?.partitions
}
