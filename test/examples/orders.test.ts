import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toCustomer, toDate, toUnits } from '../../examples/retail/cells.ts'
import { readOrders } from '../../examples/retail/orders.ts'

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'

/** One line of an invoice; what is not given is in order. */
function line(
  given: Partial<Record<'no' | 'sku' | 'text' | 'quantity' | 'date' | 'price' | 'customer' | 'country', string>> = {},
) {
  const { no = '536365', sku = '85123A', text = 'HEART', quantity = '6', date = '2010-12-01 08:26:00' } = given
  const { price = '2.55', customer = '17850.0', country = 'United Kingdom' } = given
  return [no, sku, text, quantity, date, price, customer, country].join(',')
}

const read = (...lines: string[]) => readOrders([header, ...lines].join('\n'))
const ids = (...lines: string[]) => read(...lines).orders.map(order => order.orderId)
const refused = (...lines: string[]) => read(...lines).refused
const none = { unreadable: 0, 'no-customer': 0, 'price-decimals': 0 }

describe('an invoice', () => {
  it('is put together from lines that stand anywhere in the file', () => {
    const { orders } = read(
      line({ sku: 'A' }),
      line({ no: '536366', sku: 'X' }),
      line({ sku: 'B', quantity: '2', price: '3.39' }),
    )
    expect(orders.map(order => [order.orderId, order.lines.map(one => one.sku)])).toEqual([
      ['536365', ['A', 'B']],
      ['536366', ['X']],
    ])
    expect(orders[0]).toEqual({
      kind: 'placed',
      orderId: '536365',
      customerId: '17850',
      country: 'United Kingdom',
      at: new Date('2010-12-01T08:26:00Z'),
      lines: [
        { sku: 'A', description: 'HEART', quantity: 6, unitPriceMinor: 255 },
        { sku: 'B', description: 'HEART', quantity: 2, unitPriceMinor: 339 },
      ],
    })
  })

  it('has the date, customer and country of its first line', () => {
    const [order] = read(
      line({ date: '2010-12-02 10:00:00' }),
      line({ date: '2010-12-01 10:00:00', customer: '1.0', country: 'France' }),
    ).orders
    expect(order).toMatchObject({ at: new Date('2010-12-02T10:00:00Z'), customerId: '17850', country: 'United Kingdom' })
  })

  it('is published in order of date, then of first appearance', () => {
    const late = { date: '2010-12-03 00:00:00' }
    expect(
      ids(line({ no: '9', ...late }), line({ no: '3' }), line({ no: '1' }), line({ no: '8', ...late }), line({ no: '3' })),
    ).toEqual(['3', '1', '9', '8'])
  })

  it('is a cancellation when its number begins with C, and an order with any other letter', () => {
    const kinds = ['C536379', 'A563185', 'c1', '536365', 'XC1'].map(no => read(line({ no })).orders[0]?.kind)
    expect(kinds).toEqual(['cancelled', 'placed', 'placed', 'placed', 'placed'])
  })
})

describe('a refused invoice', () => {
  it.each([
    ['a quantity that is none', line({ quantity: 'six' })],
    ['an empty quantity', line({ quantity: '' })],
    ['half a piece', line({ quantity: '1.5' })],
    ['a price that is none', line({ price: '£2.55' })],
    ['an empty price', line({ price: '' })],
    ['a date that is none', line({ date: 'yesterday' })],
    ['a date of no calendar', line({ date: '2010-02-30 08:26:00' })],
    ['a line without its last columns', '536365,85123A,HEART,6'],
    ['a quote that is never closed', line({ text: '"HEART' })],
  ])('is unreadable with %s, whichever line it is in', (_, broken) => {
    expect(refused(broken, line())).toEqual({ ...none, unreadable: 1 })
    expect(refused(line(), line({ no: '2' }), broken)).toEqual({ ...none, unreadable: 1 })
  })

  it('has no customer, or a price finer than minor units', () => {
    expect(refused(line({ customer: '' }), line({ customer: '' }))).toEqual({ ...none, 'no-customer': 1 })
    expect(refused(line(), line({ price: '0.001' }))).toEqual({ ...none, 'price-decimals': 1 })
  })

  it('counts once, under the first reason', () => {
    const all = [line({ customer: '', price: '0.001' }), line({ customer: '', quantity: 'x' })]
    expect(refused(...all)).toEqual({ ...none, unreadable: 1 })
    expect(refused(all[0]!)).toEqual({ ...none, 'no-customer': 1 })
  })

  it('is each line without an invoice number', () => {
    expect(refused(line({ no: '' }), line({ no: ' ' }), line(), ',,,,,,,')).toEqual({ ...none, unreadable: 3 })
  })
})

describe('a line', () => {
  it('may be quoted, with commas, quotes and line breaks inside', () => {
    const { orders, refused } = read(
      line({ text: '"BOX, ""LARGE"""' }),
      line({ text: 'PLATE 5" WIDE' }),
      line({ text: '"TWO\nLINES"' }),
      line({ text: '' }),
    )
    expect(refused).toEqual(none)
    expect(orders[0]?.lines.map(one => one.description)).toEqual(['BOX, "LARGE"', 'PLATE 5" WIDE', 'TWO\nLINES', null])
  })

  it('does not take the lines after it along when its quote is never closed', () => {
    const { orders, refused } = read(
      line({ no: '1', text: '"HEART' }),
      line({ no: '2' }),
      line({ no: '3', text: '"A, B"' }),
      line({ no: '4' }),
    )
    expect(orders.map(order => order.orderId)).toEqual(['2', '3', '4'])
    expect(refused).toEqual({ ...none, unreadable: 1 })
  })

  it('may be empty, end in CRLF, and stand in columns of any order', () => {
    const text =
      '\uFEFFCountry,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\r\n\r\nEIRE,0.0,1,12/1/2010 8:26,1,X,S,7\r\n'
    expect(readOrders(text).orders).toEqual([
      {
        kind: 'placed',
        orderId: '7',
        customerId: '0',
        country: 'EIRE',
        at: new Date('2010-12-01T08:26:00Z'),
        lines: [{ sku: 'S', description: 'X', quantity: 1, unitPriceMinor: 100 }],
      },
    ])
  })
})

describe('a cell', () => {
  it.each([
    ['2.55', 255],
    ['1.15', 115],
    ['-11062.06', -1106206],
    ['2.550', 255],
    ['3', 300],
    ['.5', 50],
    ['5.', 500],
    ['0', 0],
    ['-0.0', 0],
    ['1e1', 1000],
    ['1.5E-1', 15],
    ['0.001', 'finer'],
    ['1e-05', 'finer'],
    ['2.555', 'finer'],
    ['', 'unreadable'],
    ['.', 'unreadable'],
    ['nan', 'unreadable'],
    ['Infinity', 'unreadable'],
    ['1,5', 'unreadable'],
    ['0x10', 'unreadable'],
    ['1e999', 'unreadable'],
    ['21474836.48', 'unreadable'],
  ])('of a price, %j, is %s minor units', (cell, expected) => expect(toUnits(cell, 2)).toBe(expected))

  it.each([
    ['6', 6],
    ['-10', -10],
    ['6.0', 6],
    [' 6 ', 6],
    ['1.5', 'finer'],
  ])('of a quantity, %j, is %s', (cell, expected) => expect(toUnits(cell, 0)).toBe(expected))

  it.each([
    ['17850.0', '17850'],
    ['17850', '17850'],
    ['0.0', '0'],
    ['17850.5', '17850.5'],
    ['AB.0', 'AB.0'],
    ['', undefined],
    ['  ', undefined],
  ])('of a customer, %j, is %s', (cell, expected) => expect(toCustomer(cell)).toBe(expected))

  it.each([
    ['2010-12-01 08:26:00', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01', '2010-12-01T00:00:00.000Z'],
    ['12/1/2010 8:26', '2010-12-01T08:26:00.000Z'],
    ['13/1/2010 8:26', undefined],
    ['2010-12-01 24:00:00', undefined],
    ['40513.35', undefined],
  ])('of a date, %j, is %s', (cell, expected) => expect(toDate(cell)?.toISOString()).toBe(expected))
})

describe('a file', () => {
  it.each([['{"a": 1}'], [''], ['\u0000\u0001'], ['a;b;c\n1;2;3'], ['InvoiceNo,StockCode\n1,2']])(
    'that is none of these, %j, is refused',
    text => {
      expect(() => readOrders(text)).toThrow(/no CSV of the Online Retail data set: its first line lacks .*Quantity/)
    },
  )

  it('may have no lines', () => expect(read()).toEqual({ orders: [], refused: none }))

  it('that ships with the example is read whole', () => {
    const { orders, refused } = readOrders(readFileSync('examples/retail/data/online-retail-2010-12.csv', 'utf8'))
    expect(orders.filter(order => order.kind === 'placed')).toHaveLength(401)
    expect(orders.filter(order => order.kind === 'cancelled')).toHaveLength(43)
    expect(refused).toEqual({ ...none, 'no-customer': 68 })
  })
})
