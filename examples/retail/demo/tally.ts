/** Counts outcomes by reading the logs of the processes, as an operator would. */
export const groups = ['customer-spend', 'stock-levels', 'order-receipts', 'receipts'] as const
export type Group = (typeof groups)[number]
export type Outcome = 'handled' | 'retried' | 'deadLettered' | 'skipped'

const outcomes: Readonly<Record<string, Outcome>> = {
  'message.done': 'handled',
  'message.retried': 'retried',
  'message.deadLettered': 'deadLettered',
  'message.skipped': 'skipped',
}

interface Logged {
  readonly event?: string
  readonly group?: string
  readonly attempt?: number
  /** Where the message was published, whatever tier it came from. */
  readonly topic?: string
  readonly partition?: number
  readonly offset?: string
}

export class Tally {
  /** Milliseconds since 1970. */
  firstHandledAt: number | undefined
  /** Each message once, whatever was repeated after a rebalance or a crash. */
  readonly #seen = new Map<string, Set<string>>()

  take(line: string): void {
    const { event, group, attempt, topic, partition, offset } = parsed(line)
    const outcome = outcomes[event ?? '']
    if (!outcome || !group || offset === undefined) return
    if (outcome === 'handled') this.firstHandledAt ??= Date.now()
    const key = `${group} ${outcome}`
    const seen = this.#seen.get(key) ?? new Set()
    this.#seen.set(key, seen.add([topic, partition, offset, outcome === 'retried' ? attempt : ''].join('/')))
  }

  count(group: Group, outcome: Outcome): number {
    return this.#seen.get(`${group} ${outcome}`)?.size ?? 0
  }

  /** Messages that have come to their end in the group. */
  ended(group: Group): number {
    return this.count(group, 'handled') + this.count(group, 'deadLettered') + this.count(group, 'skipped')
  }
}

function parsed(line: string): Logged {
  try {
    return (JSON.parse(line) ?? {}) as Logged
  } catch {
    return {}
  }
}
