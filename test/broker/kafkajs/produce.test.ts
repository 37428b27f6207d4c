import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeBatch } from '../../../src/broker/kafkajs/encoded-batch.ts'
import { toKafkaJs } from '../../../src/broker/kafkajs/headers.ts'
import { type ProduceParts, produceRequest } from '../../../src/broker/kafkajs/patch-produce.ts'
import { EncodedHeaders } from '../../../src/message/encoded-headers.ts'
import type { Headers } from '../../../src/message/headers.ts'

const require = createRequire(import.meta.url)
interface Request {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  expectResponse(): boolean
  encode(): Promise<{ readonly buffer: Buffer }>
}
// This file never loads the library, so these are kafkajs's own.
const original = require('kafkajs/src/protocol/requests/produce/v3/request.js') as (request: object) => Request
const gzip = 1
const ours = produceRequest({
  Encoder: require('kafkajs/src/protocol/encoder.js') as ProduceParts['Encoder'],
  compress: async (codec, bytes) => (codec === gzip ? gzipSync(bytes) : bytes),
}) as (request: object) => Request

const bytes = fc.uint8Array({ maxLength: 100 }).map(array => Buffer.from(array))
const message = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), bytes), { maxLength: 4 }),
  // As many digits each: kafkajs sorts them as texts.
  timestamp: fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }).map(String),
})
const given = fc.record({
  acks: fc.constantFrom(-1, 1, 0),
  timeout: fc.nat(60_000),
  transactionalId: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }).map(String),
  producerEpoch: fc.nat(32_767),
  compression: fc.constantFrom(0, gzip),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ minLength: 1, maxLength: 20 }),
      partitions: fc.array(
        fc.record({
          partition: fc.nat(1_000),
          firstSequence: fc.nat(2 ** 31 - 1),
          messages: fc.array(message, { minLength: 1, maxLength: 20 }),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
})

type Given = typeof given extends fc.Arbitrary<infer Value> ? Value : never

function withHeaders(request: Given, headersOf: (headers: Headers) => unknown): object {
  const topicData = request.topicData.map(one => ({
    ...one,
    partitions: one.partitions.map(part => ({
      ...part,
      messages: part.messages.map(given => ({ ...given, headers: headersOf(given.headers) })),
    })),
  }))
  return { ...request, topicData }
}

test('the request is that of kafkajs, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(given, async request => {
      const theirs = original(withHeaders(request, toKafkaJs))
      for (const headersOf of [
        toKafkaJs,
        inOrderOf(toKafkaJs),
        (headers: Headers) => EncodedHeaders.of(inOrderOf(toKafkaJs)(headers)),
      ]) {
        const one = ours(withHeaders(request, headersOf))
        expect([one.apiKey, one.apiVersion, one.apiName, one.expectResponse()]).toEqual([
          theirs.apiKey,
          theirs.apiVersion,
          theirs.apiName,
          theirs.expectResponse(),
        ])
        expect((await one.encode()).buffer).toEqual((await theirs.encode()).buffer)
      }
    }),
    { numRuns: 300 },
  )
})

/** Pairs in the order in which kafkajs writes its headers object: what has one name stands together. */
function inOrderOf(toObject: (headers: Headers) => object): (headers: Headers) => Headers {
  return headers => Object.keys(toObject(headers)).flatMap(name => headers.filter(([other]) => other === name))
}

test('a timestamp is any number, and the time of the call without one', async () => {
  const settings = { codec: 0, compress: async (_: number, all: Buffer) => all, isTransactional: false }
  const batch = async (...times: (string | number | null | undefined)[]) => {
    const messages = times.map(timestamp => ({ value: null, ...(timestamp !== undefined && { timestamp }) }))
    const encoded = await encodeBatch(messages, { ...settings, producerId: '-1', producerEpoch: 0, firstSequence: 0 })
    return [encoded.readBigInt64BE(27), encoded.readBigInt64BE(35)].map(Number)
  }
  expect(await batch('900', 1_000, '0')).toEqual([0, 1_000])
  const before = Date.now()
  const [first, last] = await batch(null, undefined)
  expect(first).toBe(last)
  expect(first).toBeGreaterThanOrEqual(before)
})
