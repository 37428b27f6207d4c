import { expect, it } from 'vitest'
import type { BatchProducer, OutgoingRecord } from '../../src/broker/port.ts'
import { RecordTooLarge } from '../../src/errors.ts'
import { batching } from '../../src/produce/batch.ts'

it('of records that are too large together only those are refused that are too large alone, and order holds', async () => {
  const written: string[] = []
  const producer: BatchProducer = {
    async sendBatch(_topic, _partition, records) {
      if (records.reduce((sum, { value }) => sum + value!.length, 0) > 10) throw new RecordTooLarge('over 10')
      return BigInt(written.push(...records.map(({ value }) => String(value))) - records.length)
    },
    partitionsOf: async () => 1,
    close: async () => {},
  }
  const sender = batching(producer)
  const values = ['aaaa', 'bbbb', 'c'.repeat(11), 'dddd', 'eeee', 'ff']
  const record = (value: string): OutgoingRecord => ({
    topic: 'of-a-test',
    partition: 0,
    key: null,
    value: Buffer.from(value),
    headers: [],
  })
  const results = await Promise.allSettled(values.map(value => sender.send(record(value))))
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true, true])
  expect(written).toEqual(values.filter(value => value.length <= 10))
  expect(results.flatMap(result => (result.status === 'fulfilled' ? [result.value.offset] : []))).toEqual([0n, 1n, 2n, 3n, 4n])
})
