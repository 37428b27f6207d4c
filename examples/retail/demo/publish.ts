/** Publishes the orders as any service would, and one record that no service of ours has written. */
import { connect } from 'spillway'
import { orderCancelled, orderPlaced, orders as ordersTopic } from '../messages.ts'
import type { Order } from '../orders.ts'
import { kafka } from './kafka.ts'

/** Enough for full batches, and little enough that a large file does not lie in memory as unsent messages. */
const atOnce = 1_000

export interface Published {
  readonly placed: number
  readonly cancelled: number
  /** Event ids in the order in which they were published, with their customers. */
  readonly customers: ReadonlyMap<string, string>
}

export async function publishOrders(orders: readonly Order[]): Promise<Published> {
  await publishGarbage()
  const spillway = await connect()
  const placed = spillway.publisher(orderPlaced)
  const cancelled = spillway.publisher(orderCancelled)
  const publish = (order: Order) => {
    const { kind, at, ...payload } = order
    // The invoice's number is the message's id: an import that is run again publishes the same messages, not new ones.
    const id = { id: order.orderId }
    return kind === 'placed'
      ? placed.publish({ ...payload, placedAt: at }, id)
      : cancelled.publish({ ...payload, cancelledAt: at }, id)
  }
  try {
    for (let i = 0; i < orders.length; i += atOnce) await Promise.all(orders.slice(i, i + atOnce).map(publish))
  } finally {
    await spillway.close()
  }
  const placedCount = orders.filter(order => order.kind === 'placed').length
  return {
    placed: placedCount,
    cancelled: orders.length - placedCount,
    customers: new Map(orders.map(order => [order.orderId, order.customerId])),
  }
}

async function publishGarbage(): Promise<void> {
  const broker = kafka()
  try {
    const garbage = { topic: ordersTopic.name, partition: 0, key: null, value: Buffer.from('this is no Avro'), headers: [] }
    await broker.producer().sendBatch(ordersTopic.name, 0, [garbage])
  } finally {
    await broker.close()
  }
}
