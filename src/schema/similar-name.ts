/** 0 to 1: how much two field names have in common, by the pairs of letters in them (Dice). `total` and `totalCents` have 0.6. */
export function similarity(a: string, b: string): number {
  const [left, right] = [pairsOf(a), pairsOf(b)]
  const all = left.length + right.length
  if (all === 0) return 0
  let common = 0
  for (const pair of left) {
    const found = right.indexOf(pair)
    if (found < 0) continue
    right.splice(found, 1)
    common++
  }
  return (2 * common) / all
}

/** Case and underscores are style: `order_id` is `orderId`. */
function pairsOf(name: string): string[] {
  const letters = name.toLowerCase().replaceAll('_', '')
  return Array.from({ length: Math.max(0, letters.length - 1) }, (_, i) => letters.slice(i, i + 2))
}
