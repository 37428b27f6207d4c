/** Before the demo runs at all: the example and the recount read the same orders out of a file. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readOrders } from '../../examples/retail/orders.ts'
import { awkwardExtract } from './awkward.ts'
import { recount } from './recount.ts'

const shipped = readFileSync('examples/retail/data/online-retail-2010-12.csv', 'utf8')

it.each([
  ['the extract of the example', shipped],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map(seed => [`awkward extract ${seed}`, awkwardExtract(300, seed)]),
] as [string, string][])('%s', (_, csv) => {
  const { orders, refused } = readOrders(csv)
  const expected = recount(csv)
  const stock: Record<string, number> = {}
  for (const { sku, quantity } of orders.flatMap(order => order.lines)) stock[sku] = (stock[sku] ?? 0) + quantity
  expect(refused).toEqual(expected.refused)
  expect(orders.filter(order => order.kind === 'placed')).toHaveLength(expected.published.OrderPlaced!)
  expect(orders.filter(order => order.kind === 'cancelled')).toHaveLength(expected.published.OrderCancelled!)
  expect(stock).toEqual(expected.stock)
})

it('an awkward extract has something of everything', () => {
  const expected = recount(awkwardExtract(300))
  const counts = [
    ...Object.values(expected.published),
    ...Object.values(expected.refused),
    expected.groups['customer-spend']!.deadLettered - 1,
  ]
  expect(counts.every(count => count > 0)).toBe(true)
  expect(expected.customers['0']).toBeDefined()
})
