/** From an Online Retail CSV to the messages of a shop: lines -> invoices -> orders and cancellations, in order of date. */
import type { OrderLine } from '../../schemas/generated.ts'
import { toCustomer, toDate, toUnits } from './cells.ts'
import { csvRows, linesOf } from './csv.ts'

export interface Order {
  readonly kind: 'placed' | 'cancelled'
  readonly orderId: string
  readonly customerId: string
  readonly country: string
  readonly at: Date
  readonly lines: readonly OrderLine[]
}

export const refusals = ['unreadable', 'no-customer', 'price-decimals'] as const
export type Refusal = (typeof refusals)[number]

export interface Orders {
  /** By date, then by first appearance in the file. */
  readonly orders: readonly Order[]
  /** Invoices that were not published, each counted once, under the first reason of `refusals` that holds. */
  readonly refused: Readonly<Record<Refusal, number>>
}

/** Throws when the text is no CSV of the data set at all. A line that cannot be read costs only its invoice. */
export function readOrders(text: string): Orders {
  const refused = { unreadable: 0, 'no-customer': 0, 'price-decimals': 0 }
  const orders: Order[] = []
  for (const invoice of invoicesOf(text)) {
    const order = toOrder(invoice)
    if (typeof order === 'string') refused[order]++
    else orders.push(order)
  }
  return { orders: orders.sort((a, b) => a.at.getTime() - b.at.getTime()), refused }
}

const columns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const
type Column = (typeof columns)[number]
type Line = Readonly<Record<Column, string>>

interface Invoice {
  readonly number: string
  /** Undefined: the line lacks a column. */
  readonly lines: (Line | undefined)[]
}

/** Over the whole file: the lines of one invoice need not stand together. */
function invoicesOf(text: string): Invoice[] {
  const [header = '', ...lines] = linesOf(text)
  const places = placesOf(header)
  const invoices: Invoice[] = []
  const byNumber = new Map<string, Invoice>()
  for (const cells of csvRows(lines, header.split(',').length)) {
    const number = cells[places.InvoiceNo]?.trim() ?? ''
    const line = lineOf(cells, places)
    const known = byNumber.get(number)
    if (known) {
      known.lines.push(line)
      continue
    }
    const invoice = { number, lines: [number === '' ? undefined : line] }
    invoices.push(invoice)
    // Lines without a number have nothing in common: each is an unreadable invoice of its own.
    if (number !== '') byNumber.set(number, invoice)
  }
  return invoices
}

function placesOf(header: string): Record<Column, number> {
  const names = [...csvRows([header], columns.length)][0]?.map(name => name.trim()) ?? []
  const missing = columns.filter(column => !names.includes(column))
  if (missing.length > 0)
    throw new Error(`it is no CSV of the Online Retail data set: its first line lacks ${missing.join(', ')}`)
  return Object.fromEntries(columns.map(column => [column, names.indexOf(column)])) as Record<Column, number>
}

function lineOf(cells: readonly string[], places: Record<Column, number>): Line | undefined {
  if (columns.some(column => cells[places[column]] === undefined)) return undefined
  return Object.fromEntries(columns.map(column => [column, cells[places[column]]])) as Line
}

/** What is said once for an invoice (date, customer, country) is what its first line says. */
function toOrder({ number, lines }: Invoice): Order | Refusal {
  const read = lines.map(line => line && readLine(line))
  if (!read.every(line => line !== undefined)) return 'unreadable'
  const [first] = read as [ReadLine]
  if (first.customerId === undefined) return 'no-customer'
  const priced = read.map(({ line }) => line)
  if (!priced.every(hasMinorUnits)) return 'price-decimals'
  const { customerId, country, date: at } = first
  return { kind: number.startsWith('C') ? 'cancelled' : 'placed', orderId: number, customerId, country, at, lines: priced }
}

interface ReadLine {
  readonly date: Date
  readonly customerId: string | undefined
  readonly country: string
  readonly line: Omit<OrderLine, 'unitPriceMinor'> & { readonly unitPriceMinor: number | 'finer' }
}

/** Undefined: a quantity, price or date that is none. */
function readLine(line: Line): ReadLine | undefined {
  const quantity = toUnits(line.Quantity, 0)
  const unitPriceMinor = toUnits(line.UnitPrice, 2)
  const date = toDate(line.InvoiceDate)
  if (typeof quantity === 'string' || unitPriceMinor === 'unreadable' || !date) return undefined
  return {
    date,
    customerId: toCustomer(line.CustomerID),
    country: line.Country.trim(),
    line: { sku: line.StockCode.trim(), description: line.Description.trim() || null, quantity, unitPriceMinor },
  }
}

function hasMinorUnits(line: ReadLine['line']): line is OrderLine {
  return line.unitPriceMinor !== 'finer'
}
