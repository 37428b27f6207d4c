import { describe, expect, it } from 'vitest'
import { violations } from '../../examples/retail/demo/report.ts'
import { tableOf } from '../../examples/retail/demo/table.ts'
import { Tally } from '../../examples/retail/demo/tally.ts'

describe('the tally', () => {
  const origin = { topic: 'retail.orders', partition: 1, offset: '7' }
  const log = (event: string, more: object = {}) => JSON.stringify({ event, group: 'receipts', attempt: 1, ...origin, ...more })

  it('counts each message once, and each of its retries once', () => {
    const tally = new Tally()
    const lines = [
      log('message.retried'),
      log('message.retried', { attempt: 2 }),
      log('message.retried', { attempt: 2 }),
      log('message.done', { attempt: 3 }),
      log('message.done', { attempt: 3 }),
      log('message.done', { offset: '8' }),
      log('message.deadLettered', { partition: 2 }),
    ]
    for (const line of lines) tally.take(line)
    expect([
      tally.count('receipts', 'retried'),
      tally.count('receipts', 'handled'),
      tally.count('receipts', 'deadLettered'),
    ]).toEqual([2, 2, 1])
    expect(tally.ended('receipts')).toBe(3)
    expect(tally.ended('customer-spend')).toBe(0)
  })

  it('does not mind lines of any other kind', () => {
    const tally = new Tally()
    for (const line of ['', 'null', '7', '{"event":"consumer.joined","group":"receipts"}', 'at stack.trace (x.js:1)'])
      tally.take(line)
    expect(tally.ended('receipts')).toBe(0)
    expect(tally.firstHandledAt).toBeUndefined()
  })
})

describe('order violations', () => {
  const customers = new Map([
    ['a1', 'a'],
    ['b1', 'b'],
    ['a2', 'a'],
    ['a3', 'a'],
  ])

  it.each([
    [['a1', 'b1', 'a2', 'a3'], 0],
    [['a1', 'a2', 'a3', 'b1'], 0],
    [['a1', 'a3', 'a2', 'b1'], 1],
    [['a3', 'a2', 'a1', 'b1'], 2],
    // Dead-lettered: never handled, so nothing came before it.
    [['a2', 'b1', 'a3'], 0],
    [['a3', 'of another run', 'a2'], 1],
  ])('of %j are %i', (handled, expected) => expect(violations(handled, customers)).toBe(expected))
})

it('the table is for people', () => {
  const counts = { handled: 1401, retried: 0, deadLettered: 1 }
  const table = tableOf(
    {
      published: { OrderPlaced: 1402, OrderCancelled: 0 },
      refused: { unreadable: 0, 'no-customer': 68, 'price-decimals': 0 },
      groups: { 'customer-spend': counts, 'stock-levels': counts, 'order-receipts': counts, receipts: counts },
      customers: {
        '1': { orders: 1, cancellations: 0, spentMinor: 5 },
        '2': { orders: 2, cancellations: 1, spentMinor: 123_456 },
      },
      stock: {},
      orderViolations: 0,
    },
    9.84,
    21.2,
  )
  expect(table).toContain('refused     0 unreadable, 68 no-customer, 0 price-decimals (invoices)')
  expect(table).toContain('customer-spend     1,401         0               1')
  expect(table).toMatch(/top customers .*\n2 +2 +1 +£1,234.56\n1 +1 +0 +£0.05/)
  expect(table).toContain('first message handled 9.8 s after the start')
})
