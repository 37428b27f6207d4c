import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { customerTotals, handlingOrder, recordSpend, recordStock, stockTotals } from '../../examples/retail/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-store-'))
beforeAll(() => {
  process.env.RETAIL_DB = join(folder, 'retail.db')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('an event that comes again changes nothing', () => {
  const lines = [
    { sku: 'A', quantity: 2, unitPriceMinor: 5 },
    { sku: 'A', quantity: 3, unitPriceMinor: 5 },
    { sku: '__proto__', quantity: -1, unitPriceMinor: 5 },
  ]
  for (const event of ['1', '2', '1']) {
    recordSpend(event, { customerId: '17850', kind: 'order', amountMinor: 20 })
    recordStock(event, lines)
  }
  recordSpend('C3', { customerId: '17850', kind: 'cancellation', amountMinor: -20 })
  recordStock('none', [])
  expect(customerTotals()).toEqual({ '17850': { orders: 2, cancellations: 1, spentMinor: 20 } })
  expect(Object.entries(stockTotals()).sort()).toEqual([
    ['A', 10],
    ['__proto__', -2],
  ])
  expect(handlingOrder('spend')).toEqual(['1', '2', 'C3'])
  expect(handlingOrder('stock')).toEqual(['1', '2'])
})
