import { type Acked, idOf, type Line } from './events.ts'

/**
 * The first successes of an entity come in the order in which its messages were published. Offsets say it for all of them, the
 * publisher's own numbers for those that were acknowledged: a write that was given up may land late, and out of its place.
 */
export function checkOrder(lines: readonly Line[], acked: readonly Acked[], breach: (text: string) => void): number {
  const known = new Set(acked.map(idOf))
  const seen = new Set<string>()
  const offsets = new Map<string, bigint>()
  const numbers = new Map<string, number>()
  let outOfOrder = 0
  for (const line of lines) {
    if (line.what !== 'effect' || seen.has(idOf(line))) continue
    seen.add(idOf(line))
    const entity = `${line.topic}/${line.partition}/${line.key}`
    const offset = BigInt(line.offset)
    const early = offset < (offsets.get(entity) ?? -1n) || (known.has(idOf(line)) && line.seq < (numbers.get(entity) ?? 0))
    if (early) {
      outOfOrder++
      breach(`out of order: ${entity} number ${line.seq} (offset ${line.offset}) after ${numbers.get(entity)}`)
    }
    offsets.set(entity, offset)
    if (known.has(idOf(line))) numbers.set(entity, line.seq)
  }
  return outOfOrder
}
