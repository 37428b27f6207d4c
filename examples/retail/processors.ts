/** Three independent consumers of the shop's orders, and the worker that sends the receipts. */
import { consumer, DeadLetter, on, worker } from 'spillway'
import type { OrderLine } from '../../schemas/generated.ts'
import { orderCancelled, orderPlaced, receiptJob } from './messages.ts'
import { recordSpend, recordStock } from './store.ts'

export const customerSpend = consumer('customer-spend', [
  on(orderPlaced, (order, ctx) => {
    // No further try can mend the order: a person has to look at it, while everyone else's orders go on.
    if (!order.lines.every(line => line.quantity > 0 && line.unitPriceMinor > 0))
      throw new DeadLetter('an order has a line with a quantity or price of 0 or less')
    recordSpend(ctx.id, { customerId: order.customerId, kind: 'order', amountMinor: total(order.lines) })
  }),
  on(orderCancelled, (order, ctx) => {
    recordSpend(ctx.id, { customerId: order.customerId, kind: 'cancellation', amountMinor: total(order.lines) })
  }),
])

/** A group of its own: it takes every event, also those that customer-spend gave up. */
export const stockLevels = consumer('stock-levels', [
  on(orderPlaced, (order, ctx) => recordStock(ctx.id, order.lines)),
  on(orderCancelled, (order, ctx) => recordStock(ctx.id, order.lines)),
])

export const orderReceipts = consumer('order-receipts', [
  on(orderPlaced, ({ orderId, customerId }, ctx) => ctx.schedule(receiptJob, { orderId, customerId })),
])

export const receipts = worker('receipts', receiptJob, async ({ orderId, customerId }, ctx) => {
  const answer = await fetch(process.env.RETAIL_MAILER || 'http://127.0.0.1:8025', {
    method: 'POST',
    // The order, not the message: delivery is at least once, so one order may come in two jobs.
    headers: { 'content-type': 'application/json', 'idempotency-key': `receipt-${orderId}` },
    body: JSON.stringify({ orderId, customerId }),
    signal: ctx.signal,
  })
  await answer.body?.cancel()
  if (answer.status === 422) throw new DeadLetter('the mail server refuses this receipt')
  // Whatever else it is, it may be over soon: up the ladder, 1s, 5s, 30s, 5m.
  if (!answer.ok) throw new Error(`the mail server answered ${answer.status}`)
})

/** Quantities of cancellations are negative, and so is their total. */
function total(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0)
}
