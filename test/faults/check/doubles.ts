import { covers } from './commits.ts'
import { idOf, type Line } from './events.ts'

/** One assignment of one process: what it began and had not yet committed when it ended. */
interface Session {
  readonly who: string
  readonly uncommitted: Map<string, Extract<Line, { what: 'received' }>>
  /** Killed, broken down, or over with its last commit refused. */
  broken: boolean
}

/**
 * An execution may be repeated only if one before it was caught by a kill, by a breakdown or by a commit that did not get through:
 * running, or finished since the last commit. A repeated attempt may be followed by repeats of its later attempts, as it leaves two
 * copies. Judged at the end: who takes over may be faster than who lost its partitions notices.
 */
export function checkDoubles(
  lines: readonly Line[],
  breach: (text: string) => void,
): { readonly doubled: number; readonly unexplained: number; readonly mayDouble: number } {
  const { runs, sessions } = runsOf(lines)
  let doubled = 0
  let unexplained = 0
  for (const [execution, { before, ofSessions }] of runs) {
    for (let run = 1; run < ofSessions.length; run++) {
      doubled++
      const caught = ofSessions.slice(0, run).some(session => session?.broken && session.uncommitted.has(execution))
      const follows = (runs.get(before)?.ofSessions.length ?? 0) > run
      if (caught || follows) continue
      unexplained++
      breach(`ran again for no reason: ${execution}, in ${ofSessions.map(session => session?.who).join(', ')}`)
    }
  }
  const mayDouble = sessions.filter(({ broken }) => broken).reduce((sum, { uncommitted }) => sum + uncommitted.size, 0)
  return { doubled, unexplained, mayDouble }
}

interface Runs {
  /** The same message's attempt before this one. */
  readonly before: string
  /** The session of each run, in order. */
  readonly ofSessions: (Session | undefined)[]
}

function runsOf(lines: readonly Line[]): { runs: Map<string, Runs>; sessions: Session[] } {
  const current = new Map<string, Session>()
  const sessions: Session[] = []
  const runs = new Map<string, Runs>()
  for (const line of lines) {
    const session = current.get(line.who)
    if (line.what === 'joined') {
      const fresh = { who: line.who, uncommitted: new Map(), broken: false }
      sessions.push(fresh)
      current.set(line.who, fresh)
    } else if (line.what === 'received') {
      const execution = `${idOf(line)} attempt ${line.attempt}`
      const before = `${idOf(line)} attempt ${line.attempt - 1}`
      const known = runs.get(execution) ?? { before, ofSessions: [] }
      known.ofSessions.push(session)
      runs.set(execution, known)
      session?.uncommitted.set(execution, line)
    } else if (!session) continue
    else if (line.what === 'committed') committed(session, line.offsets)
    else if (line.what === 'commit-failed') session.broken = true
    else if (line.what === 'killed' || line.what === 'crashed') {
      session.broken = true
      current.delete(line.who)
    }
  }
  return { runs, sessions }
}

function committed(session: Session, offsets: Extract<Line, { what: 'committed' }>['offsets']): void {
  // It carries what a failed one before it carried.
  session.broken = false
  for (const [execution, { topic, partition, offset, attempt }] of session.uncommitted) {
    const commit = offsets.find(one => one.topic === topic && one.partition === partition)
    // Where its copy lies in a tier is not told: later attempts stay open for as long as the session.
    if (attempt === 1 && commit && covers(commit, BigInt(offset))) session.uncommitted.delete(execution)
  }
}
