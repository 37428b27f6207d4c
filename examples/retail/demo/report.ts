/** What came of it, in plain numbers. */
import type { Refusal } from '../orders.ts'
import { type CustomerTotals, customerTotals, handlingOrder, stockTotals } from '../store.ts'
import type { Published } from './publish.ts'
import { type Group, groups, type Tally } from './tally.ts'

export interface Report {
  readonly published: { readonly OrderPlaced: number; readonly OrderCancelled: number }
  /** Invoices. */
  readonly refused: Readonly<Record<Refusal, number>>
  readonly groups: Readonly<Record<Group, GroupCounts>>
  readonly customers: Readonly<Record<string, CustomerTotals>>
  readonly stock: Readonly<Record<string, number>>
  readonly orderViolations: number
}

export interface GroupCounts {
  readonly handled: number
  /** Records written to a tier after a failure. */
  readonly retried: number
  readonly deadLettered: number
}

export function reportOf(published: Published, refused: Report['refused'], tally: Tally): Report {
  const counts = (group: Group): GroupCounts => ({
    handled: tally.count(group, 'handled'),
    retried: tally.count(group, 'retried'),
    deadLettered: tally.count(group, 'deadLettered'),
  })
  return {
    published: { OrderPlaced: published.placed, OrderCancelled: published.cancelled },
    refused,
    groups: Object.fromEntries(groups.map(group => [group, counts(group)])) as Record<Group, GroupCounts>,
    customers: customerTotals(),
    stock: stockTotals(),
    orderViolations:
      violations(handlingOrder('spend'), published.customers) + violations(handlingOrder('stock'), published.customers),
  }
}

/**
 * Events that were handled before an earlier one of the same customer. `handled` is what really happened, in one group over all its
 * processes; `customers` has the events in the order in which they were published.
 */
export function violations(handled: readonly string[], customers: ReadonlyMap<string, string>): number {
  const sequence = new Map([...customers.keys()].map((event, i) => [event, i]))
  const earliestLater = new Map<string, number>()
  let count = 0
  for (const event of handled.toReversed()) {
    const customer = customers.get(event)
    const number = sequence.get(event)
    if (customer === undefined || number === undefined) continue
    const later = earliestLater.get(customer) ?? Number.POSITIVE_INFINITY
    if (number > later) count++
    earliestLater.set(customer, Math.min(number, later))
  }
  return count
}
