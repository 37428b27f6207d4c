/** Reads what is there. The clock runs from the first record handed over until the bench has seen the last offset committed. */
import { nowMs } from '../job.ts'
import type { Case } from './cases.ts'

export const consume: Case = async (peer, job, parent) => {
  let handled = 0
  const started = (): void => {
    parent.startCounting()
    parent.tell('first', { atMs: nowMs() })
  }
  const finished = (): void => {
    if (++handled === job.records) parent.tell('handled')
  }
  let seen = 0
  const noOp = (): void => {
    if (seen++ === 0) started()
    finished()
  }
  const slow = (): Promise<void> => {
    if (seen++ === 0) started()
    return new Promise(resolve => {
      setTimeout(() => {
        finished()
        resolve()
      }, job.handlerMs)
    })
  }
  const consuming = await peer.consume(job, job.handlerMs === 0 ? noOp : slow)
  await parent.asked('committed')
  parent.tell('cost', parent.cost())
  await consuming.stop()
}
