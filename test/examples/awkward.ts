/** An extract with everything in it that other extracts of the data set may have. The same for the same seed. */

export const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const skus = ['85123A', '71053', '22423', 'POST', 'DOT', '84406B', 'C2', '15056BL', 'gift_0001_80']
const texts = ['WHITE LANTERN', '"BOX, LARGE"', '"SAYS ""HELLO"""', 'PLATE 5" WIDE', '', 'LANTERN ']

/** `count` invoices and a little more, their lines shuffled. */
export function awkwardExtract(count: number, seed = 1): string {
  const random = randomFrom(seed)
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)]!
  const lines: string[] = []
  for (let i = 0; i < count; i++) lines.push(...invoice(i, random, pick))
  lines.push(`,22423,NAMELESS,1,2010-12-01 09:00:00,1.00,17850.0,EIRE`, ',,,,,,,', '', 'rubbish')
  return `\uFEFF${[header, ...shuffled(lines, random)].join('\r\n')}\r\n`
}

function invoice(i: number, random: () => number, pick: <T>(values: readonly T[]) => T): string[] {
  const prefix = random() < 0.15 ? 'C' : pick(['', '', '', '', '', 'A', 'c', 'XB'])
  const sign = prefix === 'C' ? -1 : 1
  const date = `2010-12-${two(1 + Math.floor(random() * 9))} ${two(8 + Math.floor(random() * 9))}:${two(Math.floor(random() * 60))}:00`
  const customer = random() < 0.1 ? '' : pick(['0.0', '17850', ...Array.from({ length: 30 }, (_, c) => `${12_346 + c}.0`)])
  const good = () => {
    const quantity = sign * (random() < 0.01 ? 0 : 1 + Math.floor(random() * 48))
    const price = random() < 0.01 ? '0.0' : random() < 0.02 ? '0.038' : (random() * 20).toFixed(pick([0, 1, 2]))
    return [`${prefix}${536_000 + i}`, pick(skus), pick(texts), `${quantity}`, date, price, customer, pick(['EIRE', 'France'])]
  }
  const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, good)
  if (random() < 0.08) lines.push(spoiled(good(), pick))
  return lines.map(cells => cells.join(','))
}

function spoiled(cells: string[], pick: <T>(values: readonly T[]) => T): string[] {
  const [place, value] = pick([
    [3, 'six'],
    [3, ''],
    [3, '1.5'],
    [4, 'yesterday'],
    [4, ''],
    [5, '£2.55'],
    [5, ''],
    [2, '"NEVER CLOSED'],
    [4, '2010-02-30 08:00:00'],
  ] as const)
  return pick([cells.slice(0, pick([1, 2, 4, 7])), cells.with(place, value)])
}

function shuffled(lines: string[], random: () => number): string[] {
  for (let i = lines.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[lines[i], lines[j]] = [lines[j]!, lines[i]!]
  }
  return lines
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const two = (n: number) => String(n).padStart(2, '0')
