/** Joined, with nothing to do. */
import type { Case } from './cases.ts'

export const idle: Case = async (peer, job, parent) => {
  const consuming = await peer.consume(job, () => {})
  parent.on('begin', () => parent.startCounting())
  parent.on('end', () => parent.tell('cost', parent.cost()))
  parent.tell('joined')
  await parent.asked('stop')
  await consuming.stop()
}
