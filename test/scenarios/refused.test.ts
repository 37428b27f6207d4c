/**
 * What could not be handled is not published: no entity key, a payload that does not fit its schema, a record over the size
 * limit. The error names the field and the schema, and the topic stays as it was.
 */
import { event, topic } from 'spillway'
import { expect, test } from 'vitest'
import { OrderPlaced } from '../../schemas/generated.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'

test('a message that cannot be right is refused before anything is sent', async () => {
  const { admin, client, prepare, records } = await openScenario()
  const orders = topic(unique('orders'), { partitions: 2, config: { 'max.message.bytes': '20000' } })
  const orderPlaced = event(OrderPlaced, { topic: orders, key: 'customerId' })
  await prepare([], [orderPlaced])
  const line = { sku: '85123A', quantity: 6, unitPriceMinor: 255 }
  const order = { orderId: '1', customerId: '17850', country: 'UK', placedAt: new Date(0), lines: [line, line] }
  const { publish } = client.publisher(orderPlaced)
  await publish(order)
  const before = await admin.bounds(orders.name)

  const { customerId: _, ...keyless } = order
  const wrong: [unknown, { code: string; message: RegExp }][] = [
    [keyless, { code: 'E_KEY_MISSING', message: /customerId.*retail\.OrderPlaced/ }],
    [
      { ...order, customerId: '' },
      { code: 'E_KEY_MISSING', message: /customerId.*retail\.OrderPlaced/ },
    ],
    [
      { ...order, customerId: null },
      { code: 'E_KEY_MISSING', message: /customerId.*retail\.OrderPlaced/ },
    ],
    [
      { ...order, country: 44 },
      { code: 'E_PAYLOAD', message: /country.*retail\.OrderPlaced/ },
    ],
    [
      { ...order, placedAt: '2026-01-01' },
      { code: 'E_PAYLOAD', message: /placedAt.*retail\.OrderPlaced/ },
    ],
    [
      { ...order, lines: [line, { ...line, quantity: 1.5 }] },
      { code: 'E_PAYLOAD', message: /lines\.1\.quantity.*retail\.OrderPlaced/ },
    ],
    [
      { ...order, orderId: 'x'.repeat(20_000) },
      { code: 'E_RECORD_TOO_LARGE', message: /20000 bytes.*retail\.OrderPlaced/ },
    ],
  ]
  for (const [payload, { code, message }] of wrong) {
    const refusal = publish(payload as never)
    await expect(refusal).rejects.toMatchObject({ code, retryable: false })
    await expect(refusal).rejects.toThrow(message)
  }

  expect(await admin.bounds(orders.name)).toEqual(before)
  await publish({ ...order, orderId: 'x'.repeat(19_000) })
  expect(await records(orders.name)).toHaveLength(2)
})
