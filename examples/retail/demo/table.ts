/** The report for a person. */
import type { Report } from './report.ts'

const topCustomers = 5

export function tableOf(report: Report, firstHandled: number, total: number): string {
  const { published, refused, groups, customers } = report
  const top = Object.entries(customers)
    .sort(([, a], [, b]) => b.spentMinor - a.spentMinor)
    .slice(0, topCustomers)
  return [
    '',
    `published   ${count(published.OrderPlaced)} OrderPlaced, ${count(published.OrderCancelled)} OrderCancelled, and 1 record of garbage`,
    `refused     ${Object.entries(refused)
      .map(([reason, invoices]) => `${count(invoices)} ${reason}`)
      .join(', ')} (invoices)`,
    '',
    ...columns([
      ['group', 'handled', 'retried', 'dead-lettered'],
      ...Object.entries(groups).map(([group, of]) => [group, count(of.handled), count(of.retried), count(of.deadLettered)]),
    ]),
    '',
    ...columns([
      ['top customers', 'orders', 'cancellations', 'spent'],
      ...top.map(([id, of]) => [id, count(of.orders), count(of.cancellations), pounds(of.spentMinor)]),
    ]),
    '',
    `first message handled ${firstHandled.toFixed(1)} s after the start, all drained after ${total.toFixed(1)} s`,
    `handled before an earlier event of the same customer: ${report.orderViolations}`,
    '',
  ].join('\n')
}

/** The first column to the left, numbers to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(row => row[i]!.length)))
  return rows.map(row => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]! + 3))).join(''))
}

function count(n: number): string {
  return n.toLocaleString('en-GB')
}

function pounds(minor: number): string {
  return (minor / 100).toLocaleString('en-GB', { style: 'currency', currency: 'GBP' })
}
