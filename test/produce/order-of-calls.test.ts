/** Publishing keeps the order of calls within an entity, whatever their message types. */
import { expect, it } from 'vitest'
import { OrderCancelled, OrderPlaced } from '../../schemas/generated.ts'
import type { BatchProducer } from '../../src/broker/port.ts'
import { event, topic } from '../../src/message/definition.ts'
import { headerText } from '../../src/message/headers.ts'
import { createClient } from '../../src/produce/client.ts'
import type { SchemaRegistry } from '../../src/schema/registry.ts'

const orders = topic('retail.orders')
const placed = event(OrderPlaced, { topic: orders, key: 'customerId' })
const cancelled = event(OrderCancelled, { topic: orders, key: 'customerId' })
const order = { customerId: '17850', country: 'EIRE', lines: [] }
const place = (orderId: string) => ({ ...order, orderId, placedAt: new Date(0) })
const cancel = (orderId: string) => ({ ...order, orderId, cancelledAt: new Date(0) })

/** Looks schemas up when told to, and notes the ids of what is written. */
function fixture() {
  const lookups = new Map<string, PromiseWithResolvers<number>>()
  const written: string[] = []
  const registry = {
    idOf: (_subject: string, { name }: { name: string }) => {
      const lookup = Promise.withResolvers<number>()
      lookups.set(name, lookup)
      return lookup.promise
    },
  } as unknown as SchemaRegistry
  const producer: BatchProducer = {
    sendBatch: async (_topic, _partition, records) => {
      written.push(...records.map(record => headerText(record.headers, 'ce_id')!))
      return 0n
    },
    partitionsOf: async () => 6,
    close: async () => {},
  }
  return { client: createClient({ registry, producer, source: 'test' }), lookups, written }
}

it('is kept by close, which waits for calls whose schema is still looked up', async () => {
  const { client, lookups, written } = fixture()
  const published = client.publisher(placed).publish(place('1'), { id: 'early' })
  const closed = client.close()
  lookups.get(OrderPlaced.name)!.resolve(1)
  await closed
  expect(written).toEqual(['early'])
  await published
})

it('also when the schema of a later call is found first', async () => {
  const { client, lookups, written } = fixture()
  const calls = [
    client.publisher(placed).publish(place('1'), { id: 'placed 1' }),
    client.publisher(cancelled).publish(cancel('C1'), { id: 'cancelled 1' }),
    client.publisher(placed).publish(place('2'), { id: 'placed 2' }),
  ]
  lookups.get('retail.OrderCancelled')?.resolve(2)
  await new Promise(setImmediate)
  calls.push(client.publisher(cancelled).publish(cancel('C2'), { id: 'cancelled 2' }))
  lookups.get('retail.OrderPlaced')?.resolve(1)
  await Promise.all(calls)
  await client.publisher(cancelled).publish(cancel('C3'), { id: 'cancelled 3' })
  expect(written).toEqual(['placed 1', 'cancelled 1', 'placed 2', 'cancelled 2', 'cancelled 3'])
})

it('and a call whose schema is not found is refused without holding up the others', async () => {
  const { client, lookups, written } = fixture()
  const first = client.publisher(placed).publish(place('1'), { id: 'placed 1' })
  const behind = client.publisher(cancelled).publish(cancel('C1'), { id: 'cancelled 1' })
  const refusal = expect(behind).rejects.toThrow('gone')
  lookups.get('retail.OrderCancelled')?.reject(new Error('gone'))
  await new Promise(setImmediate)
  lookups.get('retail.OrderPlaced')?.resolve(1)
  await first
  await refusal
  const again = client.publisher(cancelled).publish(cancel('C2'), { id: 'cancelled 2' })
  lookups.get('retail.OrderCancelled')?.resolve(2)
  await again
  expect(written).toEqual(['placed 1', 'cancelled 2'])
})
