import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FetchedPartition, RawMessage } from '../../../src/broker/kafkajs/internals.ts'
import { PartitionBatch } from '../../../src/broker/kafkajs/patch-batch.ts'

// This file never loads the library, so this is kafkajs's own.
const Original = createRequire(import.meta.url)('kafkajs/src/consumer/batch.js') as typeof PartitionBatch

const message = fc.record({ gap: fc.nat(3), isControlRecord: fc.boolean() })

test('the records of a partition say of themselves what those of kafkajs say', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(20), fc.array(message, { maxLength: 10 }), (base, asked, given) => {
      let offset = base
      const messages = given.map(({ gap, isControlRecord }): RawMessage => {
        offset += gap + 1
        return { offset: String(offset), timestamp: '0', key: null, value: null, headers: {}, isControlRecord }
      })
      const partition: FetchedPartition = { partition: 0, highWatermark: String(offset + 5), messages }
      expect(saidOf(new PartitionBatch('t', String(asked), partition))).toEqual(
        saidOf(new Original('t', String(asked), partition)),
      )
    }),
    { numRuns: 500 },
  )
})

function saidOf(batch: PartitionBatch) {
  const { topic, partition, highWatermark, rawMessages, messages, messagesWithinOffset } = batch
  const said = { topic, partition, highWatermark, rawMessages, messages, messagesWithinOffset }
  const empty = [batch.isEmpty(), batch.isEmptyDueToFiltering()]
  return { ...said, empty, ends: [batch.firstOffset(), batch.lastOffset(), batch.offsetLag(), batch.offsetLagLow()] }
}
