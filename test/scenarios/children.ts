/** Child processes that end with the test, and the journal in which they write down what they handle. */
import { mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject, onTestFinished } from 'vitest'
import { type LeashedProcess, spawnLeashed } from '../../src/dev/leash.ts'
import { unique } from '../unique.ts'
import type { ChildSettings } from './child/journalling.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

/** As a user calls it. */
export const spillwayRun = [join(root, 'dist/cli.js'), 'run', '--config', join(here, 'child/spillway.config.ts')]
export const killable = [join(here, 'child/killable.ts')]
export const watched = [join(here, 'child/watched.ts')]
export const redriving = [join(here, 'child/redriving.ts')]

export interface Child extends LeashedProcess {
  /** All of stdout and stderr. */
  readonly output: readonly string[]
}

/** Node with these arguments. SIGKILLed when the test ends, if it still runs. */
export async function startChild(
  args: readonly string[],
  settings: object,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const output: string[] = []
  const child = await spawnLeashed(process.execPath, args, {
    env: {
      ...process.env,
      KAFKA_BROKERS: inject('brokers').join(','),
      SCHEMA_REGISTRY_URL: inject('registryUrl'),
      IT_CHILD: JSON.stringify(settings),
      ...env,
    },
    cwd: root,
    onLine: line => output.push(line),
    orphanGraceMs: 0,
  })
  onTestFinished(async () => void (await child.stop(0)))
  return { ...child, output }
}

export interface Entry {
  readonly pid: number
  /** `<id> <n>` */
  readonly step: string
}

export interface Journal {
  readonly settings: ChildSettings
  /** In the order of writing, over all processes. */
  started(): readonly Entry[]
  finished(): readonly Entry[]
}

export function openJournal(): Journal {
  const folder = mkdtempSync(join(tmpdir(), 'it-journal-'))
  const settings = { topic: unique('steps'), group: unique('children'), journal: join(folder, 'journal') }
  const file = openSync(settings.journal, 'a+')
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const started: Entry[] = []
  const finished: Entry[] = []
  const buffer = Buffer.alloc(64 * 1024)
  let position = 0
  const read = () => {
    for (;;) {
      const text = buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, position))
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      if (whole === '') return
      position += whole.length
      for (const line of whole.trimEnd().split('\n')) {
        const [what, pid, ...step] = line.split(' ')
        const entries = what === 'started' ? started : finished
        entries.push({ pid: Number(pid), step: step.join(' ') })
      }
    }
  }
  const reading = (entries: Entry[]) => () => {
    read()
    return entries
  }
  return { settings, started: reading(started), finished: reading(finished) }
}
