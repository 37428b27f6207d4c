/** What TypeScript knows of generated code. Held by `tsc`; vitest runs it for nothing else than to say so. */
import { expectTypeOf, test } from 'vitest'
import type { OrderLine, OrderLineIn, OrderPlaced, OrderPlacedIn } from '../../schemas/generated.ts'
import type { PayloadIn, PayloadOut } from '../../src/message/schema.ts'

type Schema = typeof import('../../schemas/generated.ts').OrderPlaced

test('payload types come from the schema', () => {
  expectTypeOf<PayloadIn<Schema>>().toEqualTypeOf<OrderPlacedIn>()
  expectTypeOf<PayloadOut<Schema>>().toEqualTypeOf<OrderPlaced>()
  expectTypeOf<Schema['name']>().toEqualTypeOf<'retail.OrderPlaced'>()
})

test('a default is optional on the way in, there on the way out', () => {
  expectTypeOf<OrderLineIn['description']>().toEqualTypeOf<string | null | undefined>()
  expectTypeOf<OrderLine['description']>().toEqualTypeOf<string | null>()
  expectTypeOf<{ sku: string; quantity: number; unitPriceMinor: number }>().toExtend<OrderLineIn>()
  expectTypeOf<OrderPlaced['placedAt']>().toEqualTypeOf<Date>()
  expectTypeOf<OrderPlaced>().toExtend<OrderPlacedIn>()
})

test('what does not fit does not compile', () => {
  const line: OrderLineIn = { sku: 'a', quantity: 1, unitPriceMinor: 2 }
  // @ts-expect-error a string is no int
  line.quantity = 'three'
  // @ts-expect-error a field that the schema does not have
  const more: OrderLineIn = { sku: 'a', quantity: 1, unitPriceMinor: 2, colour: 'red' }
  // @ts-expect-error customerId, country, placedAt and lines are missing
  const less: OrderPlacedIn = { orderId: '1' }
  expectTypeOf([line, more, less]).toBeArray()
})
