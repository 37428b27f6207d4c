import type { EncodedHeaders } from '../message/encoded-headers.ts'
import type { Headers } from '../message/headers.ts'
import type { OutgoingRecord, TopicPartition } from './port.ts'

/** A copy of a record with other headers, which are bytes and stay so unless somebody asks for them. */
export class EncodedCopy implements OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly compressed: boolean | undefined
  readonly encodedHeaders: EncodedHeaders

  constructor(
    { key, value, compressed }: Pick<OutgoingRecord, 'key' | 'value' | 'compressed'>,
    { topic, partition }: TopicPartition,
    encodedHeaders: EncodedHeaders,
  ) {
    this.topic = topic
    this.partition = partition
    this.key = key
    this.value = value
    this.compressed = compressed
    this.encodedHeaders = encodedHeaders
  }

  get headers(): Headers {
    return this.encodedHeaders.pairs()
  }
}
