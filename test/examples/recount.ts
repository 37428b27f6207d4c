/**
 * What the demo's report must say about a CSV, worked out from the rules of the README alone. It shares no code with the example, and
 * does as much as it can in another way: one regular expression for cells, floats with a tolerance, everything sorted afterwards.
 */
export interface Expected {
  published: Record<string, number>
  refused: Record<string, number>
  groups: Record<string, { handled: number; retried: number; deadLettered: number }>
  customers: Record<string, { orders: number; cancellations: number; spentMinor: number }>
  stock: Record<string, number>
  orderViolations: number
}

type Row = Record<string, string | undefined>

export function recount(csv: string): Expected {
  const invoices = [...Map.groupBy(rows(csv), (row, i) => row.InvoiceNo?.trim() || `nameless ${i}`)]
  const verdicts = invoices.map(([number, lines]) => ({ number, lines, refusal: refusalOf(number, lines) }))
  const published = verdicts.filter(one => one.refusal === undefined)
  const cancelled = published.filter(({ number }) => number[0] === 'C')
  const placed = published.filter(({ number }) => number[0] !== 'C')
  const bad = placed.filter(({ lines }) => lines.some(row => Number(row.Quantity) <= 0 || Number(row.UnitPrice) <= 0))
  const count = (reason: string) => verdicts.filter(one => one.refusal === reason).length
  const n = ({ number }: { number: string }) => (/\d/.test(number) ? Number(number.match(/\d/g)!.join('')) : 1)
  const hopeless = placed.filter(one => n(one) % 100 === 0).length
  const slow = placed.filter(one => n(one) % 10 === 0).length - hopeless
  const garbage = 1
  return {
    published: { OrderPlaced: placed.length, OrderCancelled: cancelled.length },
    refused: { unreadable: count('unreadable'), 'no-customer': count('no-customer'), 'price-decimals': count('price-decimals') },
    groups: {
      'customer-spend': { handled: published.length - bad.length, retried: 0, deadLettered: bad.length + garbage },
      'stock-levels': { handled: published.length, retried: 0, deadLettered: garbage },
      'order-receipts': { handled: placed.length, retried: 0, deadLettered: garbage },
      receipts: { handled: placed.length - hopeless, retried: 2 * slow, deadLettered: hopeless },
    },
    customers: customersOf(
      placed.filter(one => !bad.includes(one)),
      cancelled,
    ),
    stock: stockOf(published.flatMap(one => one.lines)),
    orderViolations: 0,
  }
}

function rows(csv: string): Row[] {
  const [header, ...lines] = csv.split('\n').map(line => line.replace(/\r$/, ''))
  const names = cells(header!.replace('\uFEFF', ''))!
  return lines
    .filter(line => /\S/.test(line))
    .map(line => {
      const found = cells(line)
      const invoiceAt = names.indexOf('InvoiceNo')
      // Of a line whose quote is never closed nothing is known but where it belongs.
      if (!found) return { InvoiceNo: line.split(',')[invoiceAt] }
      return Object.fromEntries(names.map((name, i) => [name, found[i]]))
    })
}

/** Undefined: a quote is open at the end. No cell of the tests goes over two lines. */
function cells(line: string): string[] | undefined {
  const found: string[] = []
  for (const [, quoted, plain] of `${line},`.matchAll(/(?:"((?:[^"]|"")*)"|((?!")[^,]*)),/gy)) {
    found.push(quoted?.replaceAll('""', '"') ?? plain!)
  }
  const length = found.length > 0 && [...`${line},`.matchAll(/(?:"(?:[^"]|"")*"|(?!")[^,]*),/gy)].join('').length
  return length === line.length + 1 ? found : undefined
}

function refusalOf(number: string, lines: Row[]): string | undefined {
  if (number.startsWith('nameless ') || !lines.every(readable)) return 'unreadable'
  if (lines[0]!.CustomerID!.trim() === '') return 'no-customer'
  if (lines.some(row => Math.abs(Number(row.UnitPrice) * 100 - minor(row)) > 1e-6)) return 'price-decimals'
  return undefined
}

function readable(row: Row): boolean {
  const { StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country } = row
  const there = [StockCode, Description, CustomerID, Country].every(cell => cell !== undefined)
  const number = (cell: string | undefined) => cell !== undefined && cell.trim() !== '' && Number.isFinite(Number(cell))
  return there && number(UnitPrice) && number(Quantity) && Number.isInteger(Number(Quantity)) && dated(InvoiceDate)
}

function dated(cell: string | undefined): boolean {
  const date = new Date(`${cell}Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(cell!.slice(0, 10))
}

function minor(row: Row): number {
  return Math.round(Number(row.UnitPrice) * 100)
}

function customersOf(placed: { lines: Row[] }[], cancelled: { lines: Row[] }[]): Expected['customers'] {
  const customers: Expected['customers'] = {}
  for (const [kind, invoices] of [
    ['orders', placed],
    ['cancellations', cancelled],
  ] as const) {
    for (const { lines } of invoices) {
      const id = lines[0]!.CustomerID!.replace(/\.0$/, '')
      customers[id] ??= { orders: 0, cancellations: 0, spentMinor: 0 }
      const customer = customers[id]
      customer[kind]++
      for (const row of lines) customer.spentMinor += Number(row.Quantity) * minor(row)
    }
  }
  return customers
}

function stockOf(lines: Row[]): Expected['stock'] {
  const skus = Map.groupBy(lines, row => row.StockCode!)
  return Object.fromEntries([...skus].map(([sku, of]) => [sku, of.reduce((sum, row) => sum + Number(row.Quantity), 0)]))
}
