import { expect, test } from 'vitest'
import type { BrokerRecord, OutgoingRecord } from '../../src/broker/port.ts'
import { type Batch, Batcher } from '../../src/redrive/batch.ts'

const copy: OutgoingRecord = { topic: 'orders', partition: 0, key: null, value: Buffer.from('x'), headers: [] }

function letter(offset: number) {
  return {
    partition: 0,
    offset: BigInt(offset),
    record: { ...copy, headerSize: { count: 0, bytes: 0 } } as unknown as BrokerRecord,
  }
}

test('what is gathered leaves the batch that is on its way its turns', async () => {
  const moved: Batch[] = []
  const batcher = new Batcher({ letters: 1_000, bytes: 1_000_000 }, async batch => {
    // An answer comes with a turn of the event loop.
    for (let answers = 0; answers < 20; answers++) await new Promise(setImmediate)
    moved.push(batch)
  })
  for (let i = 0; i < 1_900; i++) await batcher.add(letter(i), copy)
  expect(moved).toHaveLength(1)
  await batcher.finish()
  expect(moved.map(({ offsets }) => offsets.length)).toEqual([1_000, 900])
})
