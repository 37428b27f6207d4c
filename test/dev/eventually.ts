import { readFileSync } from 'node:fs'
import { until } from '../until.ts'

/** Waits for a condition. Throws with `what` after `deadlineMs`. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  await until(condition, { what, withinMs: deadlineMs })
}

/** Whether the process runs: one that ended and was not yet collected by its parent does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}
