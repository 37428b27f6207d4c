/**
 * The other end of the leash (see leash.ts): a process of its own, in its own session, that runs one command and ends
 * it when the pipe on stdin closes, which happens however the process at its other end died.
 * Reports on descriptor 3, one JSON object a line: `{pid}`, then `{exit}`; or `{error}` when the command cannot start.
 */
import { spawn } from 'node:child_process'
import { rmSync, writeSync } from 'node:fs'
import type { Errand } from './leash.ts'

const errand = JSON.parse(process.argv[2]!) as Errand
const { NODE_OPTIONS: _, ...env } = process.env
if (errand.nodeOptions !== undefined) env.NODE_OPTIONS = errand.nodeOptions
let orphaned = false

// stdout and stderr are the parent's own pipes: nothing passes through here.
const child = spawn(errand.command, errand.args, { stdio: ['ignore', 'inherit', 'inherit'], env })
child.on('spawn', () => report({ pid: child.pid }))
child.on('error', error => leave({ error: { message: error.message, code: (error as NodeJS.ErrnoException).code } }))
child.on('exit', (code, signal) => leave({ exit: { code, signal } }))

process.stdin.resume()
process.stdin.on('error', orphan).on('close', orphan)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, orphan)

function orphan(): void {
  if (orphaned) return
  orphaned = true
  if (errand.orphanGraceMs === 0) child.kill('SIGKILL')
  else child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), errand.orphanGraceMs)
}

function leave(last: object): void {
  report(last)
  if (orphaned && errand.orphanRemoves !== undefined) removeQuietly(errand.orphanRemoves)
  // What the command started itself is in this process group, and goes with it; so does this process.
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  process.exit()
}

function report(line: object): void {
  try {
    writeSync(3, `${JSON.stringify(line)}\n`)
  } catch {
    // The parent is gone: nobody wants to know.
  }
}

function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  } catch {
    // A temp folder that stays is no reason to leave a process behind.
  }
}
