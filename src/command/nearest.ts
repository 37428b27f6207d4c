/** The candidate that was probably meant; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const reach = Math.max(2, Math.floor(word.length / 3))
  return candidates
    .map(candidate => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(one => one.distance <= reach)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
