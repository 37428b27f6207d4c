/** What this shop tells the world, and what it asks to be done. Publishers and consumers share these values. */
import { event, job, topic } from 'spillway'
import { OrderCancelled, OrderPlaced, SendReceipt } from '../../schemas/generated.ts'

/** Both events of an order go to one topic and one key, so that a customer's cancellation never overtakes the order. */
export const orders = topic('retail.orders', { partitions: Number(process.env.RETAIL_PARTITIONS || 6) })

export const orderPlaced = event(OrderPlaced, { topic: orders, key: 'customerId' })
export const orderCancelled = event(OrderCancelled, { topic: orders, key: 'customerId' })

export const receiptJob = job(SendReceipt, { topic: 'retail.receipts', key: 'orderId' })
