/**
 * The logs of all processes and what the publisher was told, turned into one verdict. Pure: sets and sequences, no broker.
 * It believes nothing that it can count itself, so that what breaks a promise shows here whatever the process thinks of it.
 */
import { checkCommits } from './commits.ts'
import { checkDoubles } from './doubles.ts'
import { type Acked, idOf, type Line } from './events.ts'
import { checkOrder } from './order.ts'
import { checkOverlaps } from './overlaps.ts'

export interface Verdict {
  /** Messages that the broker acknowledged to the publisher. */
  readonly acked: number
  /** Calls of the handler. */
  readonly executions: number
  /** Acknowledged and never handed to a handler nor dead-lettered. */
  readonly lost: number
  /** Handed to a handler, but neither done nor dead-lettered. */
  readonly neverEnded: number
  /** Both done and dead-lettered. */
  readonly twoEnds: number
  readonly deadLettered: number
  /** Dead letters beyond the first of a message. */
  readonly lettersDoubled: number
  /** Executions beyond the first of each message and attempt. */
  readonly doubled: number
  /** Of these, the ones that no kill or breakdown explains: the process lived, or had the record committed, or it explains another. */
  readonly unexplained: number
  /** What kills and breakdowns caught running, or finished since the last commit, and second copies of it: so many doubles they may cost at most. */
  readonly mayDouble: number
  /** First successes of an entity that came after a later one's. */
  readonly outOfOrder: number
  /** An entity that began in one process while another had it running. */
  readonly overlaps: number
  /** An entity that began while the same process had it running. */
  readonly brokenLanes: number
  /** Records that a commit called finished before they were. */
  readonly commitsAhead: number
  /** Commits that took back what an earlier one had said. */
  readonly commitsBack: number
  readonly joins: number
  readonly kills: number
  readonly breakdowns: number
  /** The first few of each breach, for a person. */
  readonly examples: readonly string[]
}

/** What must be 0 whatever died. */
export const whateverDies = {
  lost: 0,
  neverEnded: 0,
  twoEnds: 0,
  unexplained: 0,
  outOfOrder: 0,
  brokenLanes: 0,
  commitsAhead: 0,
} as const

/** What must be 0 as well where nothing was killed. */
export const nothingDied = { ...whateverDies, doubled: 0, lettersDoubled: 0, overlaps: 0, commitsBack: 0, breakdowns: 0 } as const

export function verdictOf(lines: readonly Line[], acked: readonly Acked[]): Verdict {
  const examples: string[] = []
  const breach = (text: string) => {
    if (examples.length < 20) examples.push(text)
  }
  return {
    acked: acked.length,
    executions: lines.filter(({ what }) => what === 'received').length,
    ...checkEnds(lines, acked, breach),
    ...checkDoubles(lines, breach),
    outOfOrder: checkOrder(lines, acked, breach),
    ...checkOverlaps(lines, breach),
    ...checkCommits(lines, breach),
    joins: lines.filter(({ what }) => what === 'joined').length,
    kills: lines.filter(({ what }) => what === 'killed').length,
    breakdowns: lines.filter(({ what }) => what === 'crashed').length,
    examples,
  }
}

function checkEnds(lines: readonly Line[], acked: readonly Acked[], breach: (text: string) => void) {
  const begun = new Set<string>()
  const done = new Set<string>()
  const letters = new Map<string, number>()
  for (const line of lines) {
    if (line.what === 'received') begun.add(idOf(line))
    if (line.what === 'effect') done.add(idOf(line))
    if (line.what === 'dead-lettered') letters.set(idOf(line), (letters.get(idOf(line)) ?? 0) + 1)
  }
  const open = [...new Set([...acked.map(idOf), ...begun])].filter(id => !done.has(id) && !letters.has(id))
  const lost = open.filter(id => !begun.has(id))
  const neverEnded = open.filter(id => begun.has(id))
  const twoEnds = [...letters.keys()].filter(id => done.has(id))
  for (const id of lost) breach(`lost: ${id}`)
  for (const id of neverEnded) breach(`never ended: ${id}`)
  for (const id of twoEnds) breach(`done and dead-lettered: ${id}`)
  return {
    lost: lost.length,
    neverEnded: neverEnded.length,
    twoEnds: twoEnds.length,
    deadLettered: letters.size,
    lettersDoubled: [...letters.values()].reduce((sum, count) => sum + count - 1, 0),
  }
}
