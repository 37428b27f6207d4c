import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FetchedPartition } from '../../../src/broker/kafkajs/internals.ts'
import { type FetchParts, fetchProtocol } from '../../../src/broker/kafkajs/patch-fetch.ts'
import { fetchedDecoder } from '../../../src/broker/kafkajs/patch-fetched.ts'
import { answerOf, batchBytes, recordsBytes } from './fetched-bytes.ts'

const require = createRequire(import.meta.url)
interface Request {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  encode(): Promise<{ readonly buffer: Buffer }>
}
interface Response {
  decode(bytes: Buffer): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>
}
// This file never loads the library, so these are kafkajs's own.
const theirRequest = require('kafkajs/src/protocol/requests/fetch/v11/request.js') as (request: object) => Request
const theirResponse = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as Response
const protocol = fetchProtocol({
  Encoder: require('kafkajs/src/protocol/encoder.js') as FetchParts['Encoder'],
  parse: () => {},
  decodeMessages: fetchedDecoder(async () => []),
})
const ourResponse = protocol.response as Response

const name = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/), fc.string({ maxLength: 20 }))
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 54n }),
  fc.constantFrom(-1n, 2n ** 53n),
)
const int32 = fc.integer()
const asked = fc.record({
  maxWaitTime: fc.nat(),
  minBytes: fc.nat(),
  maxBytes: fc.nat(),
  isolationLevel: fc.constantFrom<0 | 1>(0, 1),
  rackId: fc.oneof(name, fc.constant('')),
  topics: fc.array(
    fc.record({
      topic: name,
      partitions: fc.array(fc.record({ partition: fc.nat(), fetchOffset: int64.map(String), maxBytes: fc.nat() }), {
        maxLength: 20,
      }),
    }),
    { maxLength: 5 },
  ),
})

const session = fc.record({
  id: int32,
  epoch: int32,
  forgotten: fc.array(fc.record({ topic: name, partitions: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }) }), {
    maxLength: 3,
  }),
})

test('the request is that of kafkajs, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(asked, session, async (request, session) => {
      const { id: sessionId, epoch: sessionEpoch, forgotten: forgottenTopics } = session
      const theirs = theirRequest({ ...request, replicaId: -1, sessionId, sessionEpoch, forgottenTopics })
      const ours = protocol.request({ ...request, session }) as Request
      expect((await ours.encode()).buffer).toEqual((await theirs.encode()).buffer)
      const { apiKey, apiVersion, apiName } = theirs
      expect(ours).toMatchObject({ apiKey, apiVersion, apiName })
    }),
  )
})

const partition = fc.record({
  head: fc.tuple(int32, fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), int64, int64, int64),
  aborted: fc.option(fc.array(fc.tuple(int64, int64), { maxLength: 3 })),
  replica: int32,
  values: fc.array(fc.string({ maxLength: 9 }), { maxLength: 3 }),
})
const answered = fc.record({
  head: fc.tuple(int32, fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), int32),
  topics: fc.array(fc.tuple(name, fc.array(partition, { maxLength: 4 })), { maxLength: 4 }),
})
type Answered = typeof answered extends fc.Arbitrary<infer Value> ? Value : never
type Partition = Answered['topics'][number][1][number]

test('an answer is what kafkajs makes of it', async () => {
  await fc.assert(
    fc.asyncProperty(answered, async answer => {
      const bytes = bytesOf(answer)
      const [ours, theirs] = [await ourResponse.decode(bytes), await theirResponse.decode(bytes)]
      expect(withTexts(ours)).toEqual(withTexts(theirs))
    }),
  )
})

test('an answer that is cut off is no answer', async () => {
  const whole = bytesOf({
    head: [0, 0, 0],
    topics: [['t', [{ head: [0, 0, 1n, 1n, 0n], aborted: [], replica: -1, values: [] }]]],
  })
  for (let end = 0; end < whole.length; end++)
    await expect(ourResponse.decode(whole.subarray(0, end))).rejects.toThrow(RangeError)
})

/** Of records what they say: each decoder has objects of its own for them. */
function withTexts(answer: Awaited<ReturnType<Response['decode']>>): object {
  const responses = answer.responses.map(response => ({
    ...response,
    partitions: response.partitions.map(({ messages, ...rest }) => ({
      ...rest,
      messages: messages.map(({ offset, value }) => `${offset} ${value}`),
    })),
  }))
  return { ...answer, responses }
}

function bytesOf({ head: [throttle, error, session], topics }: Answered): Buffer {
  const parts = [int(throttle), short(error), int(session), int(topics.length)]
  for (const [topic, partitions] of topics) {
    const bytes = Buffer.from(topic)
    parts.push(short(bytes.length), bytes, int(partitions.length), ...partitions.map(partitionBytes))
  }
  return Buffer.concat(parts)
}

function partitionBytes({ head: [number, error, ...offsets], aborted, replica, values }: Partition): Buffer {
  const pairs = aborted === null ? [int(-1)] : [int(aborted.length), ...aborted.flat().map(long)]
  const batch = batchBytes({ count: values.length, body: recordsBytes(values) })
  const log = values.length === 0 ? int(0) : answerOf(batch).buffer.subarray(0, 4 + batch.length)
  return Buffer.concat([int(number), short(error), ...offsets.map(long), ...pairs, int(replica), log])
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
