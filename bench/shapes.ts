/** Three schemas as services have them, each with its version before: what was removed since comes first, what was added last. */
import { avroSchema } from 'spillway'
import type { MessageSchema } from '../src/message/schema.ts'

export interface Shape {
  readonly name: string
  readonly schema: MessageSchema
  /** What the bytes are written with that are decoded. */
  readonly older: MessageSchema
  readonly payloads: readonly object[]
  readonly olderPayloads: readonly object[]
}

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown }

const made = 1_000
const timestamp = { type: 'long', logicalType: 'timestamp-millis' }
const optional = (type: unknown) => ({ type: ['null', type], default: null })

const small: readonly Field[] = [
  { name: 'sensorId', type: 'string' },
  { name: 'measuredAt', type: timestamp },
  { name: 'celsius', type: 'double' },
]

const order: readonly Field[] = [
  { name: 'orderId', type: 'string' },
  { name: 'customerId', type: 'string' },
  { name: 'placedAt', type: timestamp },
  {
    name: 'lines',
    type: {
      type: 'array',
      items: {
        type: 'record',
        name: 'Line',
        fields: [
          { name: 'sku', type: 'string' },
          { name: 'description', type: ['null', 'string'], default: null },
          { name: 'quantity', type: 'int' },
          { name: 'cents', type: 'int' },
        ],
      },
    },
  },
  { name: 'note', type: 'string' },
]

/** Forty fields; of every type, half of them nullable, one of several types. */
const wide: readonly Field[] = [
  { name: 'amount', type: ['null', 'int', 'double'], default: null },
  { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID', 'SENT', 'GONE'] } },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'attributes', type: { type: 'map', values: 'string' } },
  ...Array.from({ length: 36 }, (_, i) => {
    const type = ['string', 'int', 'long', 'boolean', 'double', timestamp][i % 6]
    return { name: `field${i}`, ...(i % 2 === 0 ? { type } : optional(type)) }
  }),
]

const sampleOf = (type: unknown, i: number): unknown => {
  switch (type) {
    case 'string':
      return `text number ${i}`
    case 'boolean':
      return i % 2 === 0
    case 'double':
      return i / 7
    case timestamp:
      return new Date(1_700_000_000_000 + i)
    default:
      return i * 1_000
  }
}

const smallOf = (i: number) => ({ sensorId: `sensor-${i}`, measuredAt: new Date(1_700_000_000_000 + i), celsius: i / 10 })

const orderOf = (i: number) => ({
  orderId: `order-${i}`,
  customerId: `customer-${i % 500}`,
  placedAt: new Date(1_700_000_000_000 + i),
  lines: Array.from({ length: 3 }, (_, n) => ({
    sku: `sku-${(i * 7 + n) % 1_000}`,
    description: n === 0 ? null : 'hanging heart tealight holder',
    quantity: n + 1,
    cents: 1_999,
  })),
  note: 'leave it with the neighbours at number 12, the bell is broken, and mind the dog',
})

const wideOf = (i: number) => ({
  amount: [null, { int: i }, { double: i / 3 }][i % 3],
  status: ['NEW', 'PAID', 'SENT', 'GONE'][i % 4],
  tags: ['fragile', 'gift'],
  attributes: { colour: 'red', size: `${i}` },
  ...Object.fromEntries(
    wide.slice(4).map(({ name, type }, n) => {
      const isOptional = Array.isArray(type)
      return [name, isOptional && (i + n) % 4 === 0 ? null : sampleOf(isOptional ? type[1] : type, i + n)]
    }),
  ),
})

export const shapes: readonly Shape[] = [
  shape('small', small, smallOf),
  shape('order', order, orderOf),
  shape('40 fields, unions', wide, wideOf),
]

function shape(name: string, fields: readonly Field[], payloadOf: (i: number) => object): Shape {
  const payloads = Array.from({ length: made }, (_, i) => payloadOf(i))
  const record = `Shape${fields.length}`
  return {
    name,
    schema: schemaOf(record, [...fields, { name: 'added', type: 'string', default: '' }]),
    older: schemaOf(record, [{ name: 'removed', type: 'string' }, ...fields]),
    payloads: payloads.map(payload => ({ ...payload, added: 'since then' })),
    olderPayloads: payloads.map(payload => ({ removed: 'by now', ...payload })),
  }
}

function schemaOf(name: string, fields: readonly Field[]): MessageSchema {
  return avroSchema({ name: `bench.${name}`, long: 'number', avro: { type: 'record', name, namespace: 'bench', fields } })
}
