/** From the call that publishes to the start of the handler, in one process with one clock, at 1,000 a second. */
import { paced } from '../paced.ts'
import type { Case } from './cases.ts'

const perSecond = 1_000
/** Not counted: connections and a first compilation of the code. */
const warmUp = 2_000

export const latency: Case = async (peer, job, parent) => {
  const sentAt = new Float64Array(1 + warmUp + job.records)
  const latencies: number[] = []
  const first = Promise.withResolvers<void>()
  const last = Promise.withResolvers<void>()
  let seen = 0
  const consuming = await peer.consume(job, idOf => {
    const index = Number(idOf())
    if (index > warmUp) latencies.push(performance.now() - sentAt[index]!)
    if (++seen === 1) first.resolve()
    if (seen === sentAt.length) last.resolve()
  })
  const producing = await peer.produce(job)
  const send = (index: number): void => {
    if (index === warmUp + 1) parent.startCounting()
    sentAt[index] = performance.now()
    void producing.send(index, String(index))
  }
  // What is sent while the group is being joined would wait for that.
  send(0)
  await first.promise
  await paced(perSecond, index => send(index + 1), sentAt.length - 1).ended
  await last.promise
  const sorted = latencies.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!
  parent.tell('cost', { ...parent.cost(), p50Ms: at(0.5), p99Ms: at(0.99) })
  await producing.close()
  await consuming.stop()
}
