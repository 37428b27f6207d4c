import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isAlive } from './lock.ts'

/** Where a running local stack can be reached, and the process that holds it. */
export interface LocalFile {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly pid: number
}

/** Writes `.spillway/local.json` in `cwd`: all of it or nothing. */
export function writeLocalFile(cwd: string, content: LocalFile): void {
  const path = pathIn(cwd)
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`)
  renameSync(temporary, path)
}

/** Undefined when there is none, it cannot be understood, or the process that wrote it is dead. */
export function readLocalFile(cwd: string): LocalFile | undefined {
  const content = parsed(pathIn(cwd))
  return content !== undefined && isAlive(content.pid) ? content : undefined
}

/** Removes the file, unless another process that is alive has written it since. */
export function removeLocalFile(cwd: string): void {
  const content = readLocalFile(cwd)
  if (content === undefined || content.pid === process.pid) rmSync(pathIn(cwd), { force: true })
}

function parsed(path: string): LocalFile | undefined {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as Partial<LocalFile> | null
    const { brokers, registryUrl, pid } = content ?? {}
    const valid = Array.isArray(brokers) && brokers.every(b => typeof b === 'string') && typeof registryUrl === 'string'
    return valid && typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? { brokers, registryUrl, pid } : undefined
  } catch {
    return undefined
  }
}

function pathIn(cwd: string): string {
  return join(cwd, '.spillway', 'local.json')
}
