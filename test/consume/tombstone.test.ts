import { avroSchema, consumer, event, on, onTombstone, topic } from 'spillway'
import { expect, test } from 'vitest'

const fields = [{ name: 'id', type: 'string' }]
const schema = avroSchema<'shop.Customer', { id: string }, { id: string }>({
  name: 'shop.Customer',
  long: 'number',
  avro: { type: 'record', name: 'Customer', namespace: 'shop', fields },
})
const customers = topic('shop.customers')
const changed = event(schema, { topic: customers, key: 'id' })
const elsewhere = topic('shop.elsewhere')

test.each([
  ['of a topic of which nothing else is handled', [on(changed, () => {}), onTombstone(elsewhere, () => {})], 'no event of it'],
  ['twice', [on(changed, () => {}), onTombstone(customers, () => {}), onTombstone(customers, () => {})], 'twice'],
  ['alone', [onTombstone(customers, () => {})], 'no event of it'],
])('tombstones %s are refused', (_, handled, reason) => {
  expect(() => consumer('mirror', handled)).toThrow(
    expect.objectContaining({ code: 'E_DEFINITION', message: expect.stringContaining(reason) }),
  )
})

test('they are no subscription: the topics are those of the events', () => {
  const mirror = consumer('mirror', [onTombstone(customers, () => {}), on(changed, () => {})])
  expect(mirror.subscriptions.map(({ definition }) => definition)).toEqual([changed])
  expect(mirror.tombstones.map(({ tombstonesOf }) => tombstonesOf)).toEqual([customers])
})
