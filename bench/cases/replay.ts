/** Replays what is there, as a program of a user does. The clock runs from the first record handed over until the bench has seen the last offset committed. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { consumer, on, replay as replayed } from 'spillway'
import { orderPlaced } from '../records.ts'
import type { Case } from './cases.ts'
import { handling } from './handling.ts'

export const replay: Case = async (_peer, job, parent) => {
  const handle = handling(job, parent)
  const processor = consumer(job.group, [on(orderPlaced(job.topic), async () => handle())], {
    concurrency: job.concurrency ?? 64,
  })
  const result = await replayed(processor, { from: 'start', id: 'bench', file: join(tmpdir(), `${job.group}.failed.jsonl`) })
  if (result.handled !== job.records) throw new Error(`${result.handled} handled, of ${job.records}`)
  parent.tell('ended', parent.cost())
}
