/**
 * The request that writes records, from version 3 to 7 of it, in place of kafkajs's own: that one throws on headers without a value, and
 * what it makes of a record costs more than all the rest of producing (encoded-batch.ts).
 * https://kafka.apache.org/protocol#The_Messages_Produce
 */
import { encodeBatch, type TimedMessage } from './encoded-batch.ts'
import type { Encoder } from './patch-encoder.ts'

interface ProduceRequest {
  readonly acks: number
  readonly timeout: number
  readonly transactionalId?: string | null
  /** An int64: text, or an object that says it as one. */
  readonly producerId?: { toString(): string }
  readonly producerEpoch?: number
  readonly compression?: number
  readonly topicData: readonly TopicData[]
}

interface TopicData {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    readonly firstSequence?: number
    readonly messages: readonly TimedMessage[]
  }[]
}

interface WritingEncoder extends Encoder {
  writeInt16(value: number): this
  writeInt32(value: number): this
  writeString(value: string | null): this
  writeBuffer(value: Buffer): this
}

/** Bits of `compression` that name the codec. */
const codecMask = 7

/** What kafkajs has for it: its Encoder, and whatever compresses. */
export interface ProduceParts {
  readonly Encoder: new () => unknown
  readonly compress: (codec: number, bytes: Buffer) => Promise<Buffer>
}

export function produceRequest({ Encoder, compress }: ProduceParts): (request: ProduceRequest) => object {
  return request => ({
    apiKey: 0,
    apiVersion: 3,
    apiName: 'Produce',
    expectResponse: () => request.acks !== 0,
    async encode() {
      const { acks, timeout, transactionalId = null, producerId = '-1', producerEpoch = 0, compression = 0, topicData } = request
      const settings = { codec: compression & codecMask, compress, isTransactional: Boolean(transactionalId) }
      const encoder = (new Encoder() as WritingEncoder).writeString(transactionalId).writeInt16(acks).writeInt32(timeout)
      encoder.writeInt32(topicData.length)
      for (const { topic, partitions } of topicData) {
        encoder.writeString(topic).writeInt32(partitions.length)
        for (const { partition, messages, firstSequence = 0 } of partitions) {
          const batch = await encodeBatch(messages, {
            ...settings,
            producerId: producerId.toString(),
            producerEpoch,
            firstSequence,
          })
          encoder.writeInt32(partition).writeInt32(batch.length).writeBuffer(batch)
        }
      }
      return encoder
    },
  })
}
