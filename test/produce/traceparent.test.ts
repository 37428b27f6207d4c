/** The trace context that a message carries: that of the call, else that of whoever publishes at that moment. */
import { trace } from '@opentelemetry/api'
import { activeTraceparent } from 'spillway/tracing'
import { expect, it } from 'vitest'
import { OrderPlaced, SendReceipt } from '../../schemas/generated.ts'
import type { BatchProducer } from '../../src/broker/port.ts'
import { event, job } from '../../src/message/definition.ts'
import { headerText } from '../../src/message/headers.ts'
import { createClient } from '../../src/produce/client.ts'
import type { SchemaRegistry } from '../../src/schema/registry.ts'
import { activeContexts, collectSpans } from '../middleware/spans.ts'

activeContexts()

const placed = event(OrderPlaced, { topic: 'retail.orders', key: 'customerId' })
const receipts = job(SendReceipt, { topic: 'retail.receipts', key: 'orderId' })
const order = { orderId: '1', customerId: '2', country: 'Eire', placedAt: new Date(0), lines: [] }
const given = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

/** The trace contexts of what was written, in its order. */
function fixture(traceparent?: () => string | undefined) {
  const written: (string | undefined)[] = []
  const producer: BatchProducer = {
    sendBatch: async (_topic, _partition, records) => {
      written.push(...records.map(({ headers }) => headerText(headers, 'traceparent')))
      return 0n
    },
    partitionsOf: async () => 1,
    close: async () => {},
  }
  const registry = { idOf: async () => 1 } as unknown as SchemaRegistry
  return { client: createClient({ registry, producer, source: 'test', ...(traceparent && { traceparent }) }), written }
}

it('is that of the span that is active at the call, also when the record is made later', async () => {
  const { client, written } = fixture(activeTraceparent)
  const [publisher, scheduler] = [client.publisher(placed), client.scheduler(receipts)]
  const { tracer } = collectSpans()
  const sent = tracer.startActiveSpan('place an order', span => {
    const all = [publisher.publish(order), scheduler.schedule({ orderId: '1', customerId: '2' }, { delay: '1m' })]
    span.end()
    const { traceId, spanId } = span.spanContext()
    return { all, traceparent: `00-${traceId}-${spanId}-01` }
  })
  await Promise.all(sent.all)
  await publisher.publish(order)
  expect(written).toEqual([sent.traceparent, sent.traceparent, undefined])
})

it('is that of the call when it is given one', async () => {
  const { client, written } = fixture(() => `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`)
  await client.publisher(placed).publish(order, { traceparent: given })
  expect(written).toEqual([given])
})

it('is none outside of a span, in a span of no trace, and for a client that is not told whom to ask', async () => {
  const { client, written } = fixture(activeTraceparent)
  await client.publisher(placed).publish(order)
  // No provider is registered.
  await trace.getTracer('none').startActiveSpan('nothing', () => client.publisher(placed).publish(order))
  const untold = fixture()
  await collectSpans().tracer.startActiveSpan('unseen', () => untold.client.publisher(placed).publish(order))
  expect([...written, ...untold.written]).toEqual([undefined, undefined, undefined])
})
