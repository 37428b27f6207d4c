/** From the call that publishes to the start of the handler, in one process with one clock, at 1,000 a second. */
import type { Case } from './cases.ts'

const perSecond = 1_000
/** Not counted: connections and a first compilation of the code. */
const warmUp = 2_000

export const latency: Case = async (peer, job, parent) => {
  const sentAt = new Float64Array(job.records + warmUp)
  const latencies: number[] = []
  const all = Promise.withResolvers<void>()
  let seen = 0
  const consuming = await peer.consume(job, idOf => {
    const index = Number(idOf())
    if (index >= warmUp) latencies.push(performance.now() - sentAt[index]!)
    if (++seen === sentAt.length) all.resolve()
  })
  const producing = await peer.produce(job)
  await paced(sentAt.length, index => {
    if (index === warmUp) parent.startCounting()
    sentAt[index] = performance.now()
    void producing.send(index, String(index))
  })
  await all.promise
  const sorted = latencies.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!
  parent.tell('cost', { ...parent.cost(), p50Ms: at(0.5), p99Ms: at(0.99) })
  await producing.close()
  await consuming.stop()
}

/** Whatever is due at each millisecond; a late timer does not change the rate. */
function paced(count: number, send: (index: number) => void): Promise<void> {
  return new Promise(resolve => {
    const startedAt = performance.now()
    let next = 0
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond))
      while (next < due) send(next++)
      if (next < count) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
}
