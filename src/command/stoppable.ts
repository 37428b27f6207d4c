import type { Command } from 'commander'
import { stopOnSignals } from '../process/shutdown.ts'
import { exitWith, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'

const stopTimeoutMs = 60_000

export interface Stoppable<T> {
  /** Ends early, in good order, when the signal is aborted. */
  run(signal: AbortSignal): Promise<T>
  /** Said on the first SIGINT or SIGTERM: what is still being done. */
  readonly stopping: string
  /** Said when a second one comes, or a minute passes: what has become of it. */
  givenUp(): string
}

/** The result; undefined when it was given up, which is then said and in the exit code. Rejects with what `run` does. */
export async function stoppable<T>(command: Command, { run, stopping, givenUp }: Stoppable<T>): Promise<T | undefined> {
  const { note } = outputOf(command)
  const stop = new AbortController()
  const running = run(stop.signal)
  const code = await stopOnSignals({
    until: running.then(
      () => 0,
      () => 1,
    ),
    stop: async () => {
      stop.abort()
      await running
    },
    onStopping: () => note(`\n${stopping} ... (again: stop at once)`),
    onSecond: () => note('stopping at once'),
    timeoutMs: stopTimeoutMs,
  })
  if (code !== exitCode.interrupted && code !== exitCode.deadlinePassed) return running
  note(givenUp())
  exitWith(command, code)
  return undefined
}
