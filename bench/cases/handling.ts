import { type Job, nowMs } from '../job.ts'
import type { Parent } from '../parent.ts'

/** Does nothing, or takes its time. Tells of the first record, and when all have been handled: the bench asks for commits only then, as asking takes its share of the machine. */
export function handling(job: Job, parent: Parent): () => void | Promise<void> {
  let seen = 0
  let handled = 0
  const began = (): void => {
    if (seen++ > 0) return
    parent.startCounting()
    parent.tell('first', { atMs: nowMs() })
  }
  const finished = (): void => {
    if (++handled === job.records) parent.tell('handled')
  }
  const noOp = (): void => {
    began()
    finished()
  }
  const slow = (): Promise<void> => {
    began()
    return new Promise(resolve => {
      setTimeout(() => {
        finished()
        resolve()
      }, job.handlerMs)
    })
  }
  return job.handlerMs === 0 ? noOp : slow
}
