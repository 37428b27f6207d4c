/** What the demo was asked to do, and the files that it reads and writes. Every mistake is one line for a person. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readLocalFile } from '../../../src/dev/local-file.ts'
import { type Orders, readOrders } from '../orders.ts'
import type { Report } from './report.ts'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface DemoOptions {
  readonly keep: boolean
  readonly input: string
  readonly partitions: number
  readonly report: string | undefined
}

export class DemoError extends Error {
  readonly exitCode: 1 | 64

  constructor(message: string, exitCode: 1 | 64 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Throws DemoError. */
export function readOptions(args: readonly string[]): DemoOptions {
  const { keep, input, partitions, report } = parse(args)
  if (!/^[1-9]\d{0,2}$/.test(partitions))
    throw new DemoError(`--partitions is '${partitions}': it must be a whole number from 1 to 999`, 64)
  const other = keep ? readLocalFile(root) : undefined
  if (other) throw new DemoError(`process ${other.pid} keeps a local broker up already (.spillway/local.json): stop it first`)
  const reportFile = report === undefined ? undefined : whereAsked(report)
  // Before a minute of work is done for it.
  if (reportFile !== undefined && !existsSync(dirname(reportFile)))
    throw new DemoError(`cannot write ${reportFile}: no such folder`)
  return {
    keep,
    input: input === undefined ? fileURLToPath(new URL('../data/online-retail-2010-12.csv', import.meta.url)) : whereAsked(input),
    partitions: Number(partitions),
    report: reportFile,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        keep: { type: 'boolean', default: false },
        input: { type: 'string' },
        partitions: { type: 'string', default: '6' },
        report: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new DemoError(
      `${(error as Error).message}\nusage: npm run demo -- [--keep] [--input FILE] [--partitions N] [--report FILE]`,
      64,
    )
  }
}

/** npm runs its scripts in the root, whatever folder it was called from. */
function whereAsked(path: string): string {
  const asked = process.env.npm_lifecycle_event === 'demo' ? process.env.INIT_CWD : undefined
  return resolve(asked ?? '.', path)
}

/** Throws DemoError. */
export function readInput(path: string): Orders {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new DemoError(`cannot read ${path}: ${reasonOf(error)}`)
  }
  try {
    return readOrders(text)
  } catch (error) {
    throw new DemoError(`cannot use ${path}: ${(error as Error).message}`)
  }
}

/** Throws DemoError. */
export function writeReport(path: string | undefined, report: Report): void {
  if (path === undefined) return
  try {
    writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  } catch (error) {
    throw new DemoError(`cannot write ${path}: ${reasonOf(error)}`)
  }
}

/** Node's own words name the path and the system call once more. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'there is no such file' : message.replace(/, \w+( '.*')?$/, '')
}
