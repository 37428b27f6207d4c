/** Worker children: started, ended and killed at will; what is left of them ends with the test. */
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type Exit, type LeashedProcess, spawnLeashed } from '../../src/dev/leash.ts'
import { until } from '../until.ts'
import type { WorkerSettings } from './child/settings.ts'
import type { Journal } from './journal.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const script = fileURLToPath(new URL('./child/worker.ts', import.meta.url))

export interface Worker {
  readonly who: string
  readonly process: LeashedProcess
}

export interface Fleet {
  /** Those that were started and neither ended nor killed. */
  readonly working: readonly Worker[]
  /** Those that ended though nobody told them to, and what they said last. */
  readonly died: readonly string[]
  /** A new process that takes signals; it joins when it joins. */
  start(): Promise<Worker>
  joined(worker: Worker): Promise<void>
  /** SIGTERM. Resolves with how it ended. */
  end(worker: Worker): Promise<Exit>
  /** SIGKILL. Resolves when it is gone. */
  kill(worker: Worker): Promise<void>
  endAll(): Promise<Exit[]>
}

export const patienceMs = 60_000

export function openFleet(settings: WorkerSettings, journal: Journal): Fleet {
  const working: Worker[] = []
  const output: string[] = []
  const died: string[] = []
  let started = 0
  const leave = (worker: Worker) => {
    const index = working.indexOf(worker)
    if (index >= 0) working.splice(index, 1)
  }
  const start = async (): Promise<Worker> => {
    const who = `w${++started}`
    const process_ = await spawnLeashed(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
      env: { ...process.env, IT_WHO: who, IT_WORKER: JSON.stringify(settings) },
      cwd: root,
      onLine: line => output.push(`${who}: ${line}`),
      orphanGraceMs: 0,
    })
    onTestFinished(async () => void (await process_.stop(0)))
    const worker = { who, process: process_ }
    await wrote(worker, 'started')
    working.push(worker)
    void process_.exited.then(exit => {
      if (working.includes(worker)) died.push(`${who} ended by itself (${JSON.stringify(exit)}): ${output.slice(-5).join('\n')}`)
    })
    return worker
  }
  const wrote = async ({ who, process: { exited } }: Worker, what: 'started' | 'joined') => {
    const ended = exited.then(({ code }) => Promise.reject(new Error(`${who} ended (${code}): ${output.slice(-5).join('\n')}`)))
    ended.catch(() => {})
    const written = () => journal.wrote(who, what)
    await Promise.race([ended, until(written, { withinMs: patienceMs, what: `${who} to have ${what}` })])
  }
  const end = async (worker: Worker): Promise<Exit> => {
    leave(worker)
    worker.process.kill('SIGTERM')
    return worker.process.exited
  }
  return {
    working,
    died,
    start,
    joined: worker => wrote(worker, 'joined'),
    end,
    async kill(worker) {
      leave(worker)
      worker.process.kill('SIGKILL')
      await worker.process.exited
      // Only now, so that the line comes after all of its own.
      journal.write(worker.who, { what: 'killed' })
    },
    endAll: () => Promise.all([...working].map(end)),
  }
}
