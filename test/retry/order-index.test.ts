import { expect, test } from 'vitest'
import { OrderIndex } from '../../src/retry/order-index.ts'

const [entity, topic] = ['orders/0 a', 'orders']

test('a number that has ended keeps no record, also where the list of its entity still has it', () => {
  const index = new OrderIndex<object>()
  const identityOf = (number: bigint) => ({ entity, topic, number, timestampMs: 1 })
  const record = { topic, offset: 1n, value: Buffer.alloc(10) }
  const [first] = [1n, 2n].map(number => index.register(identityOf(number), record, record))
  first!.producingTo = 'tier'
  expect(index.fetched(first!, { topic: 'tier', offset: 7n }, record)).toBe('early')
  expect(index.ended(first!)).toEqual([record])
  expect(first).toMatchObject({ item: undefined, early: undefined, live: { topic, offset: 1n } })
  expect(first!.live).not.toBe(record)
})
