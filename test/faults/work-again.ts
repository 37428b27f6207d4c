import { until } from '../until.ts'
import type { Fleet } from './fleet.ts'
import type { Journal } from './journal.ts'
import type { Publishing } from './publisher.ts'

/** Until more is acknowledged than `acked`, and every process has committed after the journal's first `lines`. */
export async function allWorkAgain(
  { fleet, journal }: { readonly fleet: Fleet; readonly journal: Journal },
  load: Publishing,
  { acked, lines }: { readonly acked: number; readonly lines: number },
): Promise<void> {
  const committers = () =>
    new Set(
      journal
        .lines()
        .slice(lines)
        .flatMap(({ what, who }) => (what === 'committed' ? [who] : [])),
    )
  await until(() => load.acked.length > acked && committers().size === fleet.working.length, {
    withinMs: 60_000,
    what: 'every process to work again',
  })
}
