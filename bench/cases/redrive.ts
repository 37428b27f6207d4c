/** Moves all letters that there are, or at a rate until it is stopped. The clock runs from the first that is moved, less its own share. */
import type { Case } from './cases.ts'

export const redrive: Case = async (peer, job, parent) => {
  if (!peer.redrive) throw new Error(`${job.peer} has no redrive`)
  const done = Promise.withResolvers<void>()
  let moved = 0
  let first = { at: 0, letters: 0 }
  const onMoved = (letters: number): void => {
    if (moved === 0) {
      first = { at: performance.now(), letters }
      parent.startCounting()
    }
    moved += letters
    if (moved >= job.records) done.resolve()
  }
  parent.on('stop', () => done.resolve())
  const redriving = await peer.redrive(job, onMoved)
  await done.promise
  // The first batch pays for connections, a group that is joined, and a first compilation of the code.
  const share = (moved - first.letters) / moved
  parent.tell('cost', { ...parent.cost(), seconds: (performance.now() - first.at) / 1_000 / share })
  await redriving.stop()
}
