/** Writes records, from many callers that each wait for their own, or in batches one after the other. */
import type { Job } from '../job.ts'
import type { Parent } from '../parent.ts'
import type { Producing } from '../peers/peers.ts'
import type { Case } from './cases.ts'

const callers = 1_000
const batch = 1_000

export const produceSingly: Case = (peer, job, parent) =>
  timed(peer.produce(job), job, parent, async (producing, count) => {
    let next = 0
    const call = async (): Promise<void> => {
      while (next < count) await producing.send(next++)
    }
    await Promise.all(Array.from({ length: callers }, call))
  })

export const produceBatches: Case = (peer, job, parent) =>
  timed(peer.produce(job), job, parent, async (producing, count) => {
    for (let from = 0; from < count; from += batch) await producing.sendBatch(from, Math.min(batch, count - from))
  })

async function timed(
  opening: Promise<Producing>,
  job: Job,
  parent: Parent,
  write: (producing: Producing, count: number) => Promise<void>,
): Promise<void> {
  const producing = await opening
  // Connections, metadata and a first compilation of the code: a tenth of the work.
  await write(producing, Math.ceil(job.records / 10))
  parent.startCounting()
  const startedAt = performance.now()
  await write(producing, job.records)
  const seconds = (performance.now() - startedAt) / 1_000
  parent.tell('cost', { ...parent.cost(), seconds })
  await producing.close()
}
