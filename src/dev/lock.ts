import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

interface Holder {
  readonly pid: number
  /** Processes that work for the holder and may outlive it by some seconds. */
  readonly helpers: readonly number[]
}

export interface Lock {
  /** Helpers of a holder that was killed: they may still be ending. */
  readonly leftBehind: readonly number[]
  /** Writes down who works for this process. */
  note(helpers: readonly number[]): void
  release(): void
}

/** Takes the lock file for this process, also from a holder that is dead. Otherwise the pid that has it. */
export function takeLock(path: string): Lock | { readonly heldBy: number } {
  const leftBehind: number[] = []
  for (;;) {
    if (created(path)) return lock(path, leftBehind)
    const holder = read(path)
    if (holder !== undefined && isAlive(holder.pid)) return { heldBy: holder.pid }
    leftBehind.push(...(holder?.helpers ?? []))
    discard(path, holder)
  }
}

/** Whether a process with this pid exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function lock(path: string, leftBehind: readonly number[]): Lock {
  return {
    leftBehind,
    note: helpers => put(path, { pid: process.pid, helpers }),
    release: () => rmSync(path, { force: true }),
  }
}

/** A link appears at once and with its content, so nobody ever reads a lock that does not name its holder yet. */
function created(path: string): boolean {
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, helpers: [] } satisfies Holder))
  try {
    linkSync(mine, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Moves a dead holder's file away. Another process may have done so and taken the lock since: then its file goes back. */
function discard(path: string, dead: Holder | undefined): void {
  const aside = `${path}.dead-${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const moved = read(aside)
  if (moved !== undefined && moved.pid !== dead?.pid) linkSync(aside, path)
  rmSync(aside, { force: true })
}

function put(path: string, holder: Holder): void {
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, JSON.stringify(holder))
  renameSync(mine, path)
}

function read(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder
    return Number.isInteger(holder.pid) && Array.isArray(holder.helpers) ? holder : undefined
  } catch {
    return undefined
  }
}
