import type { Attempt, Line } from './events.ts'

const entityOf = ({ topic, partition, key }: Attempt) => `${topic}/${partition}/${key}`

/** An entity runs from `received` to `effect` or `failed`, or to the death of its process. */
export function checkOverlaps(
  lines: readonly Line[],
  breach: (text: string) => void,
): { readonly overlaps: number; readonly brokenLanes: number } {
  const running = new Map<string, Map<string, number>>()
  let overlaps = 0
  let brokenLanes = 0
  for (const line of lines) {
    if (line.what === 'received') {
      const entity = entityOf(line)
      const processes = running.get(entity) ?? new Map<string, number>()
      running.set(entity, processes)
      for (const who of processes.keys()) {
        if (who === line.who) brokenLanes++
        else overlaps++
        breach(`${entity} number ${line.seq} began in ${line.who} while it ran in ${who}`)
      }
      processes.set(line.who, (processes.get(line.who) ?? 0) + 1)
    } else if (line.what === 'effect' || line.what === 'failed') {
      const processes = running.get(entityOf(line))
      const left = (processes?.get(line.who) ?? 0) - 1
      if (left > 0) processes!.set(line.who, left)
      else processes?.delete(line.who)
    } else if (line.what === 'killed') {
      for (const processes of running.values()) processes.delete(line.who)
    }
  }
  return { overlaps, brokenLanes }
}
