/** Deploys the example as a team would: topics, schemas, then processes, each through the real command line. */
import { dirname, join } from 'node:path'
import { type LeashedProcess, spawnLeashed } from '../../../src/dev/leash.ts'
import { DemoError, root } from './options.ts'
import type { Progress } from './progress.ts'
import type { Tally } from './tally.ts'

/** Two processes share the work of customer-spend; the others show that one process may run several. */
const processes = [['customer-spend'], ['customer-spend', 'stock-levels'], ['order-receipts', 'receipts']] as const

export interface RunningService {
  /** Rejects when a process ends before it was told to. Never resolves. */
  readonly failed: Promise<never>
}

/** Throws DemoError. */
export async function startService(
  progress: Progress,
  tally: Tally,
  cleanup: (step: () => unknown) => void,
): Promise<RunningService> {
  progress.say('creating topics, registering schemas')
  await Promise.all([command(['topic', 'apply', '--yes'], cleanup), command(['schema', 'register'], cleanup)])
  progress.say(`starting ${processes.length} processes: ${processes.map(names => names.join(' + ')).join(', ')}`)
  let stopping = false
  const started = await Promise.all(processes.map(names => start(['run', ...names], line => tally.take(line))))
  cleanup(() => {
    stopping = true
    return Promise.all(started.map(({ child }) => child.stop(30_000)))
  })
  const failed = Promise.race(
    started.map(async ({ child, words, args }) => {
      const { code, signal } = await child.exited
      if (stopping) return new Promise<never>(() => {})
      throw new DemoError(`'spillway ${args.join(' ')}' ended with ${code ?? signal}:\n${words()}`)
    }),
  )
  // It may reject before anybody waits for it.
  failed.catch(() => {})
  return { failed }
}

async function command(args: readonly string[], cleanup: (step: () => unknown) => void): Promise<void> {
  const { child, words } = await start(args)
  cleanup(() => child.stop())
  const { code, signal } = await child.exited
  if (code !== 0) throw new DemoError(`'spillway ${args.join(' ')}' ended with ${code ?? signal}:\n${words()}`)
}

interface Started {
  readonly args: readonly string[]
  readonly child: LeashedProcess
  /** The last things that it said. */
  words(): string
}

async function start(args: readonly string[], onLine: (line: string) => void = () => {}): Promise<Started> {
  const last: string[] = []
  const child = await spawnLeashed(process.execPath, [join(root, 'dist/cli.js'), ...args], {
    cwd: root,
    // The outcome of a message is logged at level debug; it is what the demo counts.
    env: { ...process.env, LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
    keepsAlive: true,
    // When the demo is killed, nobody else is left to do it.
    orphanRemoves: dirname(process.env.RETAIL_DB!),
    onLine: line => {
      last.push(line)
      if (last.length > 20) last.shift()
      onLine(line)
    },
  })
  return { args, child, words: () => last.join('\n') }
}
