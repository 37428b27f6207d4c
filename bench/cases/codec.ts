/** Encodes and decodes as fast as it goes, one shape after the other, in one thread. */
import { shapes } from '../shapes.ts'
import type { Case } from './cases.ts'

const [warmUpMs, measuredMs] = [700, 1_500]

export const codec: Case = async (peer, job, parent) => {
  const perSecond: Record<string, number> = {}
  for (const shape of shapes) {
    const { encode, decode, written } = await peer.codec!(job, shape)
    perSecond[`encode, ${shape.name}`] = await rate(shape.payloads, encode)
    perSecond[`decode, ${shape.name}`] = await rate(written, decode)
  }
  parent.tell('codec', perSecond)
}

/** What comes as a promise is waited for, as its caller would. */
async function rate<Item>(items: readonly Item[], work: (item: Item) => unknown): Promise<number> {
  await once(items, work, warmUpMs)
  return once(items, work, measuredMs)
}

async function once<Item>(items: readonly Item[], work: (item: Item) => unknown, forMs: number): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  let passedMs = 0
  while (passedMs < forMs) {
    for (const item of items) {
      const result = work(item)
      if (result instanceof Promise) await result
    }
    count += items.length
    passedMs = performance.now() - startedAt
  }
  return (count / passedMs) * 1_000
}
