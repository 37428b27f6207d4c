/** What is written and read in every case: one event of some 200 bytes, with the envelope, for 5,000 entities. */
import { randomUUID } from 'node:crypto'
import { avroSchema, event, topic } from 'spillway'
import { built } from './built.ts'

export interface OrderPlaced {
  readonly customerId: string
  readonly orderId: string
  readonly placedAt: Date
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly cents: number }[]
  readonly note: string
}

export const entities = 5_000
export const partitions = 6
/** So many different records are made before the clock starts, and used in turn. */
const made = 10_000

const schema = avroSchema<'bench.OrderPlaced', OrderPlaced, OrderPlaced>({
  name: 'bench.OrderPlaced',
  long: 'number',
  avro: {
    type: 'record',
    name: 'OrderPlaced',
    namespace: 'bench',
    fields: [
      { name: 'customerId', type: 'string' },
      { name: 'orderId', type: 'string' },
      { name: 'placedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
      {
        name: 'lines',
        type: {
          type: 'array',
          items: {
            type: 'record',
            name: 'Line',
            fields: [
              { name: 'sku', type: 'string' },
              { name: 'quantity', type: 'int' },
              { name: 'cents', type: 'int' },
            ],
          },
        },
      },
      { name: 'note', type: 'string' },
    ],
  },
})

/** The event, on a topic of this run. */
export function orderPlaced(topicName: string) {
  return event(schema, { topic: topic(topicName, { partitions }), key: 'customerId' })
}

export function payloads(ofEntities = entities): OrderPlaced[] {
  return Array.from({ length: made }, (_, i) => ({
    customerId: `customer-${i % ofEntities}`,
    orderId: `order-${i}`,
    placedAt: new Date(1_700_000_000_000 + i),
    lines: Array.from({ length: 3 }, (_, line) => ({ sku: `sku-${(i * 7 + line) % 1_000}`, quantity: line + 1, cents: 1_999 })),
    note: 'leave it with the neighbours at number 12, the bell is broken, and mind the dog',
  }))
}

/** Key, value and headers as bytes: what our publisher makes of the payloads, for those that make nothing themselves. */
export interface RawRecord {
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: Readonly<Record<string, Buffer>>
}

export async function rawRecords(schemaId: number): Promise<RawRecord[]> {
  const { codecOf } = await built<typeof import('../src/schema/codec.ts')>('schema/codec.js')
  const { writeEnvelope } = await built<typeof import('../src/message/envelope.ts')>('message/envelope.js')
  const codec = codecOf(schema)
  return payloads().map(payload => ({
    key: Buffer.from(payload.customerId),
    value: codec.encode(schemaId, payload),
    headers: Object.fromEntries(
      writeEnvelope({ id: randomUUID(), source: 'bench', type: schema.name, time: new Date() }, `/schemas/ids/${schemaId}`) as [
        string,
        Buffer,
      ][],
    ),
  }))
}
