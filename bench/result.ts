/** One line of the table: what one peer did in one case, in one run or as the median of all. */
export interface Result {
  readonly case: string
  readonly peer: string
  readonly records?: number
  readonly perSecond?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly maxMs?: number
  readonly ms?: number
  readonly perFailure?: number
  readonly stillMs?: number
  readonly cpuPercent?: number
  readonly cpuSecondsPer10k?: number
  readonly rssMb?: number
}

type Figure = Exclude<keyof Result, 'case' | 'peer' | 'records'>
export const figures: readonly (readonly [Figure, string, number])[] = [
  ['perSecond', 'records/s', 0],
  ['p50Ms', 'p50 ms', 2],
  ['p99Ms', 'p99 ms', 2],
  ['maxMs', 'max ms', 2],
  ['ms', 'ms', 0],
  ['perFailure', 'forwards a failure', 2],
  ['stillMs', 'stands still ms', 0],
  ['cpuPercent', '% of a core', 2],
  ['cpuSecondsPer10k', 'CPU s / 10,000', 3],
  ['rssMb', 'RSS MB', 0],
]

/** One result a case and peer, in the order in which they first came, each figure the median of its runs. */
export function medians(runs: readonly Result[]): Result[] {
  return [...Map.groupBy(runs, ({ case: name, peer }) => `${name}\n${peer}`).values()].map(same => {
    const median = (figure: Figure) => middle(same.flatMap(one => one[figure] ?? []))
    const found = figures.map(([figure]) => [figure, median(figure)]).filter(([, value]) => value !== undefined)
    return { ...same[0]!, ...Object.fromEntries(found) }
  })
}

export function middle(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : sorted.length === 0 ? undefined : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Markdown, with the columns that any of the results has. */
export function table(results: readonly Result[]): string {
  const columns = figures.filter(([figure]) => results.some(one => one[figure] !== undefined))
  const rows = results.map(one => [
    one.case,
    one.peer,
    one.records === undefined ? '' : number(one.records, 0),
    ...columns.map(([figure, , digits]) => (one[figure] === undefined ? '' : number(one[figure], digits))),
  ])
  const head = ['case', 'peer', 'records', ...columns.map(([, name]) => name)]
  return [head, head.map((_, i) => (i < 2 ? '---' : '--:')), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

export function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
