import { type Committed, idOf, type Line } from './events.ts'

const partitionOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`

export function covers({ offset, above }: Committed, at: bigint): boolean {
  return at < BigInt(offset) || above.some(([from, to]) => BigInt(from) <= at && at < BigInt(to))
}

/**
 * A commit may call finished only what has ended: done, or its copy acknowledged. And within one assignment it never takes back
 * what it said before. Sources only: which of two copies in a tier has ended is not told.
 */
export function checkCommits(
  lines: readonly Line[],
  breach: (text: string) => void,
): { readonly commitsAhead: number; readonly commitsBack: number } {
  const unfinished = new Map<string, Set<string>>()
  const ended = new Set<string>()
  const highest = new Map<string, bigint>()
  const told = new Set<string>()
  let commitsBack = 0
  for (const line of lines) {
    if (line.what === 'received' && line.attempt === 1 && !ended.has(idOf(line))) {
      const ofPartition = unfinished.get(partitionOf(line)) ?? new Set()
      unfinished.set(partitionOf(line), ofPartition.add(line.offset))
    } else if (leftItsSource(line)) {
      ended.add(idOf(line))
      unfinished.get(partitionOf(line))?.delete(line.offset)
    } else if (line.what === 'committing') {
      for (const commit of line.offsets) {
        for (const offset of unfinished.get(partitionOf(commit)) ?? []) {
          if (!covers(commit, BigInt(offset)) || told.has(`${partitionOf(commit)}/${offset}`)) continue
          told.add(`${partitionOf(commit)}/${offset}`)
          breach(`committed before it had ended: ${partitionOf(commit)}/${offset}, by ${line.who} at ${commit.offset}`)
        }
      }
    } else if (line.what === 'committed') {
      for (const commit of line.offsets) {
        const before = highest.get(partitionOf(commit)) ?? 0n
        if (BigInt(commit.offset) < before) {
          commitsBack++
          breach(`commit went back from ${before} to ${commit.offset}: ${partitionOf(commit)}, by ${line.who}`)
        } else highest.set(partitionOf(commit), BigInt(commit.offset))
      }
    }
  }
  return { commitsAhead: told.size, commitsBack }
}

type Leaving = Extract<Line, { what: 'effect' | 'retried' | 'dead-lettered' | 'followed' | 'fetched' }>

/**
 * It has ended, or a copy of it lies in a tier. Of a copy whose acknowledgement was lost, or whose process was killed, nobody
 * tells until it is fetched.
 */
function leftItsSource(line: Line): line is Leaving {
  if (line.what === 'fetched') return true
  const leaves = line.what === 'effect' || line.what === 'retried' || line.what === 'dead-lettered' || line.what === 'followed'
  return leaves && line.attempt === 1
}
