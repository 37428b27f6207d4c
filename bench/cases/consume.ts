/** Reads what is there. The clock runs from the first record handed over until the bench has seen the last offset committed. */
import type { Case } from './cases.ts'
import { handling } from './handling.ts'

export const consume: Case = async (peer, job, parent) => {
  const consuming = await peer.consume(job, handling(job, parent))
  await parent.asked('committed')
  parent.tell('cost', parent.cost())
  await consuming.stop()
}
