/** Python with Confluent's client in it, made once and kept. Where there is none to be had, it says why. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../../src/dev/install.ts'

/** Pinned: what it writes is what the scenario is about. */
const wanted = 'confluent-kafka[avro]==2.16.0'
const installWithinMs = 120_000

const run = promisify(execFile)

export type Python = { readonly path: string; readonly missing?: never } | { readonly missing: string }

/** `SPILLWAY_PYTHON` names another than python3. Never rejects. */
export async function pythonWithKafka(): Promise<Python> {
  const base = process.env.SPILLWAY_PYTHON ?? 'python3'
  const home = join(cacheFolder(process.env), wanted.replace(/\W+/g, '-'))
  const path = join(home, 'bin', 'python')
  if (await works(path)) return { path }
  try {
    await run(base, ['-c', 'import sys; assert sys.version_info >= (3, 9)'], { timeout: 10_000 })
  } catch {
    return { missing: `no ${base} of version 3.9 or newer` }
  }
  try {
    await install(base, home)
  } catch (error) {
    return { missing: `${wanted} cannot be installed: ${String((error as Error).message).split('\n', 1)[0]}` }
  }
  return (await works(path)) ? { path } : { missing: `${wanted} is installed and cannot be loaded` }
}

async function works(path: string): Promise<boolean> {
  try {
    await run(path, ['-c', 'import confluent_kafka.schema_registry.avro'], { timeout: 20_000 })
    return true
  } catch {
    return false
  }
}

/** Beside it, and moved there when it is whole: a run that is cut off leaves none that is half. */
async function install(base: string, home: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true })
  const made = await mkdtemp(`${home}-`)
  try {
    await run(base, ['-m', 'venv', made], { timeout: installWithinMs })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wanted]
    await run(join(made, 'bin', 'python'), pip, { timeout: installWithinMs, killSignal: 'SIGKILL' })
    await rm(home, { recursive: true, force: true })
    await rename(made, home)
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}
