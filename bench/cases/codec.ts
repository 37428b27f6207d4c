/** Encodes and decodes in one thread, one shape after the other; a slice of it whenever it is told to. */
import { shapes } from '../shapes.ts'
import type { Case } from './cases.ts'

const [warmUpMs, sliceMs] = [700, 100]

export const codec: Case = async (peer, job, parent) => {
  const works: ((forMs: number) => Promise<number>)[] = []
  for (const shape of shapes) {
    const { encode, decode, written } = await peer.codec!(job, shape)
    works.push(forMs => rate(shape.payloads, encode, forMs))
    works.push(forMs => rate(written, decode, forMs))
  }
  for (const work of works) {
    await parent.asked('warm up')
    await work(warmUpMs)
    parent.on('slice', () => void work(sliceMs).then(perSecond => parent.tell('slice', { perSecond })))
    parent.tell('warm')
  }
  await parent.asked('stop')
}

/** What comes as a promise is waited for, as its caller would. */
async function rate<Item>(items: readonly Item[], work: (item: Item) => unknown, forMs: number): Promise<number> {
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
