import { type ChildProcess, spawn } from 'node:child_process'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** What the watcher is told to do. */
export interface Errand {
  readonly command: string
  readonly args: readonly string[]
  readonly nodeOptions: string | undefined
  readonly orphanGraceMs: number
  readonly orphanRemoves: string | undefined
}

export interface LeashOptions {
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  /** Called for every line the command writes, the first maybe before `spawnLeashed` resolves. Without it, what it writes is thrown away. */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined
  /** How long the command has between SIGTERM and SIGKILL once this process has died; 0: SIGKILL at once. Milliseconds, default 5000. */
  readonly orphanGraceMs?: number | undefined
  /** A folder to remove, with all in it, if the command is ended because this process died. */
  readonly orphanRemoves?: string | undefined
  /** Whether a running command keeps this process alive. Default false: it ends with this process. */
  readonly keepsAlive?: boolean | undefined
}

/** How a process ended: its exit code, or the signal that killed it. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface LeashedProcess {
  /** Of the command itself, not of the watcher. */
  readonly pid: number
  /** Settles when the command has ended and every line it wrote was handed over. Never rejects. */
  readonly exited: Promise<Exit>
  /** False when it has ended already. */
  kill(signal: NodeJS.Signals): boolean
  /** SIGTERM, then SIGKILL after `graceMs` (default 5000; 0: SIGKILL at once). May be called more than once. */
  stop(graceMs?: number): Promise<Exit>
}

/**
 * Starts a command that ends when this process ends, however that happens (SIGKILL included). It lives in a session of
 * its own, so Ctrl-C in the terminal reaches only this process. Resolves when the command runs.
 * Errors: the system's own (ENOENT, EACCES) when the command cannot be started.
 */
export async function spawnLeashed(
  command: string,
  args: readonly string[],
  options: LeashOptions = {},
): Promise<LeashedProcess> {
  const watcher = spawnWatcher(command, args, options)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let exit: Exit | undefined
  const reports = createInterface({ input: watcher.stdio[3] as Readable }).on('line', line => {
    const told = JSON.parse(line) as { pid?: number; exit?: Exit; error?: { message: string; code?: string } }
    if (told.pid !== undefined) resolve(told.pid)
    if (told.exit !== undefined) exit = told.exit
    if (told.error !== undefined) reject(Object.assign(new Error(told.error.message), { code: told.error.code }))
  })
  const closed = new Promise<void>(done => watcher.once('close', () => done()))
  watcher.once('error', reject)
  void closed.then(() => reject(new Error(`the watcher of ${command} ended before it could start it`)))
  const pid = await promise
  const leashed = leash(pid, watcher, () => exit, closed)
  // The end of the reports without an exit: the watcher itself was killed, and the command may still run.
  reports.once('close', () => leashed.kill('SIGKILL'))
  if (options.keepsAlive !== true) hold(watcher, false)
  return leashed
}

function spawnWatcher(command: string, args: readonly string[], options: LeashOptions): ChildProcess {
  const { NODE_OPTIONS: nodeOptions, ...env } = options.env ?? process.env
  const { orphanGraceMs = 5_000, orphanRemoves } = options
  const errand: Errand = { command, args, nodeOptions, orphanGraceMs, orphanRemoves }
  const script = fileURLToPath(new URL(`./leash-watcher${extname(import.meta.url)}`, import.meta.url))
  const output = options.onLine === undefined ? 'ignore' : 'pipe'
  const watcher = spawn(
    process.execPath,
    [
      '--max-old-space-size=16',
      '--max-semi-space-size=1',
      '--disable-warning=ExperimentalWarning',
      script,
      JSON.stringify(errand),
    ],
    { cwd: options.cwd, env, detached: true, stdio: ['pipe', output, output, 'pipe'] },
  )
  // Its death is seen at 'close'; a write error on the way there says nothing more.
  watcher.stdin?.on('error', () => {})
  const { onLine } = options
  if (onLine !== undefined) {
    createInterface({ input: watcher.stdout! }).on('line', line => onLine(line, 'stdout'))
    createInterface({ input: watcher.stderr! }).on('line', line => onLine(line, 'stderr'))
  }
  return watcher
}

function leash(pid: number, watcher: ChildProcess, exit: () => Exit | undefined, closed: Promise<void>): LeashedProcess {
  let ended = false
  const kill = (signal: NodeJS.Signals): boolean => !ended && exit() === undefined && signalled(pid, signal)
  const exited = closed.then((): Exit => {
    ended = true
    return exit() ?? { code: null, signal: 'SIGKILL' }
  })
  return {
    pid,
    exited,
    kill,
    async stop(graceMs = 5_000) {
      hold(watcher, true)
      kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM')
      const timer = setTimeout(() => kill('SIGKILL'), graceMs)
      return exited.finally(() => clearTimeout(timer))
    },
  }
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

/** Whether the watcher and its pipes keep this process's event loop alive. */
function hold(watcher: ChildProcess, keep: boolean): void {
  const handles = [watcher, ...watcher.stdio] as ({ ref?(): void; unref?(): void } | null)[]
  for (const handle of handles) keep ? handle?.ref?.() : handle?.unref?.()
}
