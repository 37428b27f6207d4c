import { covers } from './commits.ts'
import { type Attempt, idOf, type Line } from './events.ts'

/** One assignment of one process: what it began and had not yet committed. */
interface Session {
  readonly uncommitted: Map<string, Attempt>
  commitFailed: boolean
}

/**
 * An execution may be repeated only if the one before it was caught by a kill, by a breakdown or by a commit that did not get
 * through: running, or finished since the last commit. A repeated attempt may be followed by repeats of its later attempts, as it
 * leaves two copies.
 */
export function checkDoubles(
  lines: readonly Line[],
  breach: (text: string) => void,
): { readonly doubled: number; readonly unexplained: number; readonly mayDouble: number } {
  const sessions = new Map<string, Session>()
  const caught = new Set<string>()
  const executions = new Map<string, number>()
  let mayDouble = 0
  let doubled = 0
  let unexplained = 0
  const end = (who: string, broken: boolean) => {
    const session = sessions.get(who)
    if (session && (broken || session.commitFailed)) {
      for (const execution of session.uncommitted.keys()) caught.add(execution)
      mayDouble += session.uncommitted.size
    }
    sessions.delete(who)
  }
  for (const line of lines) {
    switch (line.what) {
      case 'joined':
        end(line.who, false)
        sessions.set(line.who, { uncommitted: new Map(), commitFailed: false })
        break
      case 'received': {
        const execution = `${idOf(line)} attempt ${line.attempt}`
        const count = (executions.get(execution) ?? 0) + 1
        executions.set(execution, count)
        if (count > 1) {
          doubled++
          const follows = line.attempt > 1 && (executions.get(`${idOf(line)} attempt ${line.attempt - 1}`) ?? 0) >= count
          if (!caught.has(execution) && !follows) {
            unexplained++
            breach(`ran again for no reason: ${execution} (${line.key} number ${line.seq}), by ${line.who}`)
          }
        }
        sessions.get(line.who)?.uncommitted.set(execution, line)
        break
      }
      case 'committed':
        committed(sessions.get(line.who), line.offsets)
        break
      case 'commit-failed': {
        const session = sessions.get(line.who)
        if (session) session.commitFailed = true
        break
      }
      case 'killed':
      case 'crashed':
        end(line.who, true)
        break
      case 'stopped':
        end(line.who, false)
    }
  }
  return { doubled, unexplained, mayDouble }
}

function committed(session: Session | undefined, offsets: Extract<Line, { what: 'committed' }>['offsets']): void {
  if (!session) return
  session.commitFailed = false
  for (const [execution, { topic, partition, offset, attempt }] of session.uncommitted) {
    const commit = offsets.find(one => one.topic === topic && one.partition === partition)
    // Where its copy lies in a tier is not told: later attempts stay open for as long as the session.
    if (attempt === 1 && commit && covers(commit, BigInt(offset))) session.uncommitted.delete(execution)
  }
}
