/** Joined, as its one record shows, and with nothing to do. */
import type { Case } from './cases.ts'

export const idle: Case = async (peer, job, parent) => {
  parent.on('begin', () => parent.startCounting())
  parent.on('end', () => parent.tell('cost', parent.cost()))
  const stop = parent.asked('stop')
  const consuming = await peer.consume(job, () => parent.tell('joined'))
  await stop
  await consuming.stop()
}
