import { setTimeout as pause } from 'node:timers/promises'
import { protocolType } from './errors.ts'

/** The group has a coordinator, or will have one in a moment: every answer of a broker that has just started, or taken over. */
const passing = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP'])
const longestPauseMs = 2_000

/** kafkajs gives a join up at the first of these answers (`bail` in joinAndSync), although each join looks for the coordinator anew. */
export async function patientJoin(
  join: () => Promise<void>,
  { patienceMs = 30_000, stopping }: { patienceMs?: number; stopping: () => boolean },
): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await join()
    } catch (error) {
      if (stopping() || Date.now() + pauseMs > deadline || !passing.has(protocolType(error) ?? '')) throw error
      await pause(pauseMs)
    }
  }
}
