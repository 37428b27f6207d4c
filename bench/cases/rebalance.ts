/**
 * Two members of one group: one that stays and says how long it began nothing, of any partition, and whether it has them all;
 * and one that comes and goes.
 */
import type { Consuming } from '../peers/peers.ts'
import { partitions } from '../records.ts'
import type { Case } from './cases.ts'

export const stay: Case = async (peer, job, parent) => {
  let lastAt = performance.now()
  let longestMs = 0
  let seen: Set<number> | undefined
  parent.on('longest', () => {
    parent.tell('longest', { ms: Math.max(longestMs, performance.now() - lastAt) })
    longestMs = 0
  })
  parent.on('alone', () => {
    seen = new Set()
  })
  const stop = parent.asked('stop')
  const consuming = await peer.consume(job, (_, partition) => {
    const at = performance.now()
    longestMs = Math.max(longestMs, at - lastAt)
    lastAt = at
    if (seen?.add(partition).size === partitions) {
      seen = undefined
      parent.tell('alone')
    }
    return new Promise(resolve => setTimeout(resolve, job.handlerMs))
  })
  await stop
  await consuming.stop()
}

export const handOver: Case = async (peer, job, parent) => {
  let consuming: Consuming | undefined
  parent.on('join', async () => {
    const first = Promise.withResolvers<void>()
    consuming = await peer.consume(job, () => {
      first.resolve()
      return new Promise(resolve => setTimeout(resolve, job.handlerMs))
    })
    await first.promise
    parent.tell('joined')
  })
  parent.on('leave', async () => {
    await consuming?.stop()
    parent.tell('left')
  })
  parent.tell('ready')
  await parent.asked('stop')
}
