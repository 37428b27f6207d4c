import { covers } from './commits.ts'
import { type Attempt, idOf, type Line } from './events.ts'

/** A record of one attempt: the message where it was published, or its copy in a tier. */
interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

/** One assignment of one process. */
interface Session {
  readonly who: string
  /** Which one it was, over all processes. */
  readonly number: number
  /** What it began and had not yet committed when it ended, by execution. */
  readonly uncommitted: Map<string, Map<string, Place>>
  /** Killed, broken down, or over with its last commit refused. */
  broken: boolean
  /** A commit was refused because the group had moved on: from now on the process knows. */
  isTold: boolean
  /** Milliseconds since 1970. */
  readonly joinedAt: number
  /** Of the same process. */
  readonly before: Session | undefined
}

/** A copy was put into a tier without being run, to wait behind an earlier message of the entity. */
interface Move {
  readonly session: Session
  /** What was open of the message: its record, or the copy that was moved on. */
  readonly from: ReadonlySet<string>
}

interface Run {
  readonly session: Session | undefined
  /** How many records of this attempt there were when it began. */
  readonly copies: number
  /** It was begun though the process knew that the assignment was lost. */
  readonly isLate: boolean
}

/** What became of one message and attempt. */
interface History {
  readonly runs: Run[]
  readonly moves: Move[]
  /** Its copies, once fetched. */
  readonly copies: Set<string>
  /** How many assignments had broken when the last of them was fetched first. */
  broken: number
}

/**
 * A run of a message's attempt needs a reason of its own, and a reason is good for one run. There is one for each record of the
 * attempt, and one more for each that was caught by a kill, by a breakdown or by a commit that did not get through: running, or
 * finished and not in an acknowledged commit. Of the first attempt there is one record, of a later one a copy for each failure of
 * the attempt before: so what was caught between its copy's acknowledgement and its own commit leaves two copies, which then run
 * without anything else being caught. Likewise one that was moved into a tier to wait: its record and the copy both run if its
 * assignment ended in between, or before the acknowledgement. Judged at the end: who takes over may be faster than who lost its
 * partitions notices. So one that the older assignment begins last is itself the one that was caught, unless the process knew by then.
 */
export function checkDoubles(
  lines: readonly Line[],
  breach: (text: string) => void,
): { readonly doubled: number; readonly unexplained: number; readonly mayDouble: number } {
  let doubled = 0
  let unexplained = 0
  let mayDouble = 0
  for (const [execution, { runs, moves, copies, broken }] of historiesOf(lines)) {
    if (runs.length === 0) continue
    // Copies of the first attempt are moves, as no worker delays a job, and whoever does not tell of one was killed before it could.
    const untold = isFirst(execution) ? Math.min(broken, Math.max(0, copies.size - moves.length)) : 0
    let explained = 0
    for (let i = 0; i < runs.length; i++) {
      if (i > 0) doubled++
      const upTo = isUnaware(runs, i) ? i + 1 : i
      if (explained < runs[i]!.copies + untold + caughtOf(execution, runs.slice(0, upTo), moves)) explained++
      else {
        unexplained++
        breach(`ran again for no reason: ${execution}, in ${runs.map(({ session }) => session?.who).join(', ')}`)
      }
    }
    mayDouble += runs.at(-1)!.copies - 1 + untold + caughtOf(execution, runs, moves)
  }
  return { doubled, unexplained, mayDouble }
}

/** Whether a newer assignment had run it before, which this one could not know. */
function isUnaware(runs: readonly Run[], i: number): boolean {
  const { session, isLate } = runs[i]!
  return !isLate && runs.slice(0, i).some(before => before.session && session && before.session.number > session.number)
}

/** How many of these runs and moves, all of one execution, were caught. Which of two copies a session ran is not told: as many at most as it left open. */
function caughtOf(execution: string, runs: readonly Run[], moves: readonly Move[]): number {
  const bySession = new Map<Session, number>()
  const open = moves.filter(({ session, from }) =>
    [...(session.uncommitted.get(execution)?.keys() ?? [])].some(id => from.has(id)),
  )
  const sessions = [...runs, ...open].map(({ session }) => session)
  for (const session of sessions) if (session?.broken) bySession.set(session, (bySession.get(session) ?? 0) + 1)
  return [...bySession].reduce((sum, [{ uncommitted }, count]) => sum + Math.min(count, uncommitted.get(execution)?.size ?? 0), 0)
}

const executionOf = (at: Pick<Attempt, 'topic' | 'partition' | 'offset'>, attempt: number) => `${idOf(at)} attempt ${attempt}`
const isFirst = (execution: string) => execution.endsWith(' attempt 1')

/** By message and attempt; what it holds is in order. */
function historiesOf(lines: readonly Line[]): Map<string, History> {
  const current = new Map<string, Session>()
  /** Also those that are over: copies may be acknowledged to a process after it has lost its assignment. */
  const latest = new Map<string, Session>()
  const histories = new Map<string, History>()
  const historyOf = (execution: string): History => {
    const history = histories.get(execution) ?? { runs: [], moves: [], copies: new Set(), broken: 0 }
    histories.set(execution, history)
    return history
  }
  const failures = new Map<string, number>()
  let joins = 0
  let broken = 0
  for (const line of lines) {
    const session = current.get(line.who)
    if (hasBroken(line)) broken++
    if (line.what === 'joined') {
      const joined = newSession(line, ++joins, latest.get(line.who))
      current.set(line.who, joined)
      latest.set(line.who, joined)
    } else if (line.what === 'fetched') {
      const execution = executionOf(line, line.attempt)
      const history = historyOf(execution)
      if (!history.copies.has(idOf(line.copy))) history.broken = broken
      history.copies.add(idOf(line.copy))
      if (session) open(session, execution, line.copy)
    } else if (line.what === 'followed') {
      const execution = executionOf(line, line.attempt)
      const by = moverOf(line, latest.get(line.who))
      if (!by) continue
      if (!by.uncommitted.has(execution)) open(by, execution, line)
      historyOf(execution).moves.push({ session: by, from: new Set(by.uncommitted.get(execution)!.keys()) })
    } else if (line.what === 'received') {
      const execution = executionOf(line, line.attempt)
      const failed = failures.get(executionOf(line, line.attempt - 1)) ?? 0
      const { runs, copies } = historyOf(execution)
      const known = Math.max(1, Math.min(failed, copies.size))
      runs.push({ session, copies: known, isLate: session?.isTold ?? false })
      if (session && line.attempt === 1) open(session, execution, line)
    } else if (line.what === 'failed') {
      const execution = executionOf(line, line.attempt)
      failures.set(execution, (failures.get(execution) ?? 0) + 1)
    } else if (!session) continue
    else if (line.what === 'committed') committed(session, line.offsets)
    else if (line.what === 'commit-failed') {
      session.broken = true
      session.isTold ||= line.error.startsWith('AssignmentLost')
    } else if (line.what === 'drained') session.broken ||= line.unfinished > 0
    else if (line.what === 'killed' || line.what === 'crashed') {
      session.broken = true
      current.delete(line.who)
    }
  }
  return histories
}

function newSession({ who, at }: Line, number: number, before: Session | undefined): Session {
  return { who, number, uncommitted: new Map(), broken: false, isTold: false, joinedAt: at, before }
}

function hasBroken(line: Line): boolean {
  const { what } = line
  return what === 'killed' || what === 'crashed' || what === 'commit-failed' || (what === 'drained' && line.unfinished > 0)
}

/** How long after a process has joined again a copy may still be acknowledged that it sent before. */
const lateMs = 5_000

/** A copy that was under way when the assignment broke is acknowledged when the broker is back, and by then the process may have joined anew. */
function moverOf({ at }: Line, latest: Session | undefined): Session | undefined {
  const isLate = latest?.before?.broken === true && at - latest.joinedAt < lateMs
  return isLate ? latest.before : latest
}

function open({ uncommitted }: Session, execution: string, place: Place): void {
  uncommitted.set(execution, (uncommitted.get(execution) ?? new Map<string, Place>()).set(idOf(place), place))
}

function committed(session: Session, offsets: Extract<Line, { what: 'committed' }>['offsets']): void {
  // It carries what a failed one before it carried.
  session.broken = false
  for (const [execution, places] of session.uncommitted) {
    for (const [id, { topic, partition, offset }] of places) {
      const commit = offsets.find(one => one.topic === topic && one.partition === partition)
      if (commit && covers(commit, BigInt(offset))) places.delete(id)
    }
    if (places.size === 0) session.uncommitted.delete(execution)
  }
}
