import { createRequire } from 'node:module'
import { expect, onTestFinished, test } from 'vitest'
import type { FetchedPartition, RawMessage } from '../../../src/broker/kafkajs/internals.ts'
import { library } from '../../../src/broker/kafkajs/library.ts'
import { byPartition } from '../../../src/broker/kafkajs/patch-grouping.ts'
import type { RequestQueue } from '../../../src/broker/kafkajs/patch-request-queue.ts'
import { nextOffset } from '../../../src/broker/kafkajs/records.ts'

test('a batch reaches to the end of what was fetched, past what compaction has left out', () => {
  const message = { offset: '5', key: null, batchContext: { firstOffset: '3', lastOffsetDelta: 9 } } as unknown as RawMessage
  const batch = new (library().Batch)('topic', '3', {
    partition: 0,
    highWatermark: '20',
    messages: [message],
  } as FetchedPartition)
  expect(batch.messages).toHaveLength(1)
  expect(nextOffset(batch)).toBe(13n)
})

test('nothing fetched has no next offset', () => {
  expect(nextOffset({ topic: 'topic', partition: 0, highWatermark: '0', rawMessages: [], messages: [] })).toBeUndefined()
})

test('messages are grouped in their order', () => {
  const messages = [{ partition: 1, n: 1 }, { partition: 0, n: 2 }, { partition: 1, n: 3 }] // biome-ignore format: one line
  const groups = byPartition({ topic: 't', partitionMetadata: [0], messages, partitioner: ({ message }) => message.partition })
  expect(groups).toEqual({ 0: [messages[1]], 1: [messages[0], messages[2]] })
})

test('an idle connection has no timer', () => {
  library()
  const path = 'kafkajs/src/network/requestQueue/index.js'
  const Queue = createRequire(import.meta.url)(path) as new (of: object) => RequestQueue & { pending: unknown[] }
  const queue = new Queue({ maxInFlightRequests: null, requestTimeout: 1_000 })
  onTestFinished(() => clearTimeout(queue.throttleCheckTimeoutId ?? undefined))
  queue.scheduleCheckPendingRequests()
  expect(queue.throttleCheckTimeoutId).toBeNull()
  queue.pending.push('request')
  queue.scheduleCheckPendingRequests()
  expect(queue.throttleCheckTimeoutId).not.toBeNull()
})
