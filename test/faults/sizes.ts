/** How much, and which choices: as `npm run test:faults -- --long --seed N` says. */

const seed = Number(process.env.FAULTS_SEED || 1)
export const isLong = Boolean(process.env.FAULTS_LONG)

export function size<T>(short: T, long: T): T {
  return isLong ? long : short
}

export interface Dice {
  /** 0 <= n < below */
  below(n: number): number
  pick<T>(from: readonly T[]): T
}

/** The choices of one story: of the run's seed and the story's own name, so that no story disturbs another's. */
export function dice(story: string): Dice {
  let state = seed
  for (const char of story) state = Math.imul(state ^ char.codePointAt(0)!, 0x01000193) >>> 0
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return { below, pick: from => from[below(from.length)]! }
}
