/**
 * What the consumers have worked out, in a database that all processes of the service share (here a SQLite file).
 *
 * Delivery is at least once: an event can come again after a crash. So each effect is stored under its event's id, and a second time
 * changes nothing. Totals are sums over these rows, never counters that are added to.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

export interface Spend {
  readonly customerId: string
  readonly kind: 'order' | 'cancellation'
  readonly amountMinor: number
}

export interface StockMove {
  readonly sku: string
  readonly quantity: number
}

export interface CustomerTotals {
  orders: number
  cancellations: number
  spentMinor: number
}

export function recordSpend(eventId: string, spend: Spend): void {
  database().addSpend.run(eventId, spend.customerId, spend.kind, spend.amountMinor)
}

/** One statement: all lines of an event or none. */
export function recordStock(eventId: string, moves: readonly StockMove[]): void {
  database().addStock.run(eventId, JSON.stringify(moves.map(({ sku, quantity }) => ({ sku, quantity }))))
}

export function customerTotals(): Record<string, CustomerTotals> {
  const rows = database().db.prepare(
    `SELECT customer, sum(kind = 'order') AS orders, sum(kind = 'cancellation') AS cancellations, sum(amount) AS spentMinor
     FROM spend GROUP BY customer ORDER BY customer`,
  )
  return Object.fromEntries(
    (rows.all() as unknown as ({ customer: string } & CustomerTotals)[]).map(({ customer, ...totals }) => [customer, totals]),
  )
}

export function stockTotals(): Record<string, number> {
  const rows = database().db.prepare('SELECT sku, sum(quantity) AS quantity FROM stock GROUP BY sku ORDER BY sku')
  return Object.fromEntries((rows.all() as unknown as StockMove[]).map(({ sku, quantity }) => [sku, quantity]))
}

/** Event ids in the order in which they were first handled, over all processes: SQLite numbers rows as they are written. */
export function handlingOrder(table: 'spend' | 'stock'): string[] {
  const rows = database().db.prepare(`SELECT event FROM ${table} GROUP BY event ORDER BY min(rowid)`)
  return (rows.all() as { event: string }[]).map(({ event }) => event)
}

interface Database {
  readonly db: DatabaseSync
  readonly addSpend: StatementSync
  readonly addStock: StatementSync
}

let opened: Database | undefined

/** Opened at the first use: whoever only looks at the definitions needs no database. */
function database(): Database {
  opened ??= open(process.env.RETAIL_DB || join(tmpdir(), 'spillway-retail.db'))
  return opened
}

function open(file: string): Database {
  const db = new DatabaseSync(file, { timeout: 10_000 })
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS spend (event TEXT PRIMARY KEY, customer TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS stock (
      event TEXT NOT NULL, line INTEGER NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (event, line)
    )`)
  return {
    db,
    addSpend: db.prepare('INSERT INTO spend VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    addStock: db.prepare(
      `INSERT INTO stock SELECT ?, key, value ->> 'sku', value ->> 'quantity' FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
    ),
  }
}
