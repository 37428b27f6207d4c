/** Two members of one group: one that stays and says how long nothing began, one that comes and goes. */
import type { Consuming } from '../peers/peers.ts'
import type { Case } from './cases.ts'

export const stay: Case = async (peer, job, parent) => {
  let lastAt = performance.now()
  let longestMs = 0
  const consuming = await peer.consume(job, () => {
    const at = performance.now()
    longestMs = Math.max(longestMs, at - lastAt)
    lastAt = at
    return new Promise(resolve => setTimeout(resolve, job.handlerMs))
  })
  parent.on('longest', () => {
    parent.tell('longest', { ms: Math.max(longestMs, performance.now() - lastAt) })
    longestMs = 0
  })
  await parent.asked('stop')
  await consuming.stop()
}

export const handOver: Case = async (peer, job, parent) => {
  let consuming: Consuming | undefined
  let waiting: (() => void) | undefined
  const handle = (): Promise<void> => {
    waiting?.()
    return new Promise(resolve => setTimeout(resolve, job.handlerMs))
  }
  parent.on('join', async () => {
    const first = new Promise<void>(resolve => {
      waiting = resolve
    })
    consuming = await peer.consume(job, handle)
    await first
    parent.tell('changed')
  })
  parent.on('leave', async () => {
    await consuming?.stop()
    parent.tell('changed')
  })
  parent.tell('ready')
  await parent.asked('stop')
}
