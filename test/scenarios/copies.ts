/** Copies as a process that is gone would have left them in a tier. */
import type { OutgoingRecord } from '../../src/broker/port.ts'
import type { Processor } from '../../src/consume/processor.ts'
import type { MessageDefinition } from '../../src/message/definition.ts'
import type { Origin } from '../../src/message/envelope.ts'
import { type Trail, withTrail } from '../../src/topic/trail.ts'
import { startConsumer } from '../contract/recording-consumer.ts'
import type { Scenario } from './harness.ts'

export interface Copy extends Partial<Omit<Trail, 'origin' | 'group'>> {
  readonly payload: { readonly id: string; readonly n: number }
  /** Where its original lies. The copy goes to the partition of the same number. */
  readonly origin: Origin
}

const batch = 1_000

/** In this order. */
export async function putCopies(
  { broker, encode }: Scenario,
  processor: Processor,
  { topic, definition }: { readonly topic: string; readonly definition: MessageDefinition },
  copies: readonly Copy[],
): Promise<void> {
  const producer = broker.producer()
  for (const [partition, ofPartition] of Map.groupBy(copies, ({ origin }) => origin.partition)) {
    for (let from = 0; from < ofPartition.length; from += batch) {
      const records = ofPartition.slice(from, from + batch).map(async ({ payload, ...trail }): Promise<OutgoingRecord> => {
        const whole = { attempt: 1, hop: 1, redriveCount: 0, group: processor.name, ...trail }
        return {
          topic,
          partition,
          key: Buffer.from(payload.id),
          value: await encode(definition, payload),
          headers: withTrail([], whole),
        }
      })
      await producer.sendBatch(topic, partition, await Promise.all(records))
    }
  }
  await producer.close()
}

/** The records of a source, as origins, in order of their offsets: what copies of them say. */
export async function originsOf({ records }: Scenario, topic: string): Promise<Origin[]> {
  return (await records(topic)).map(({ partition, offset, timestampMs }) => ({ topic, partition, offset, timestampMs }))
}

/** What a process that has finished the first records of a partition would have committed. */
export async function commitAt(
  { broker }: Scenario,
  group: string,
  at: { readonly topic: string; readonly partition: number; readonly offset: bigint },
): Promise<void> {
  const member = await startConsumer(broker, { group, topics: [at.topic], commitOnRevoking: false })
  await member.commit([{ ...at, metadata: '' }])
  await member.stop()
}
