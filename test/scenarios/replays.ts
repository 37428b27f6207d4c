/** `spillway replay` as a user calls it, on a topic of the test's own, and the journal of what its handlers did. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { consumer, type Duration, on } from 'spillway'
import { inject, onTestFinished } from 'vitest'
import { type LeashedProcess, spawnLeashed } from '../../src/dev/leash.ts'
import { unique } from '../unique.ts'
import { openScenario, type Scenario } from './harness.ts'
import { stepsOn } from './messages.ts'

export interface ReplayedSettings {
  readonly topic: string
  readonly group: string
  readonly journal: string
  readonly partitions: number
  readonly tiers: readonly Duration[]
  readonly concurrency: number
  /** How long each handler takes. */
  readonly handlerMs: number
}

export interface ReplayChild extends LeashedProcess {
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const config = fileURLToPath(new URL('child/replayed.config.ts', import.meta.url))

export async function openReplays(given: Partial<ReplayedSettings> = {}) {
  const scenario: Scenario = await openScenario()
  const folder = mkdtempSync(join(tmpdir(), 'it-replay-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const settings: ReplayedSettings = {
    topic: unique('steps'),
    group: unique('walk'),
    journal: join(folder, 'journal'),
    partitions: 3,
    tiers: ['200ms', '400ms'],
    concurrency: 16,
    handlerMs: 0,
    ...given,
  }
  const { group } = settings
  const { opened, closed, steps } = stepsOn({ name: settings.topic, partitions: settings.partitions })
  /** The group itself, of this process. */
  const live: string[] = []
  const processor = consumer(group, [on(opened, ({ id, n }) => void live.push(`${id} ${n}`)), on(closed, () => {})])
  await scenario.prepare([processor])
  const lines = () => (existsSync(settings.journal) ? readFileSync(settings.journal, 'utf8').trimEnd().split('\n') : [])
  const of = (what: string) => lines().flatMap(line => (line.startsWith(`${what} `) ? [line.slice(what.length + 1)] : []))
  const start = async (args: readonly string[], env: Record<string, string> = {}): Promise<ReplayChild> => {
    const stdout: string[] = []
    const stderr: string[] = []
    const child = await spawnLeashed(process.execPath, [cli, 'replay', '--config', config, group, ...args], {
      env: {
        ...process.env,
        KAFKA_BROKERS: inject('brokers').join(','),
        SCHEMA_REGISTRY_URL: inject('registryUrl'),
        IT_REPLAY: JSON.stringify(settings),
        ...env,
      },
      cwd: folder,
      onLine: (line, stream) => (stream === 'stdout' ? stdout : stderr).push(line),
      orphanGraceMs: 0,
    })
    onTestFinished(async () => void (await child.stop(0)))
    return { ...child, stdout, stderr }
  }
  return {
    ...scenario,
    folder,
    settings,
    group,
    opened,
    steps,
    processor,
    live,
    /** `id n attempt isReplay group`, in the order of the handlers' starts. */
    began: () => of('began'),
    /** `id n attempt` */
    ended: () => of('ended'),
    /** Those whose name has to do with this test. */
    ownTopics: async () =>
      (await scenario.admin.topicNames()).filter(name => name.includes(group) || name.includes(settings.topic)).toSorted(),
    start,
    replay: async (...args: string[]) => {
      const child = await start(args)
      const { code } = await child.exited
      return { code, stdout: child.stdout, stderr: child.stderr, text: [...child.stdout, ...child.stderr].join('\n') }
    },
    publish: async (ids: readonly string[], from: number, to: number, note = '') => {
      for (let n = from; n <= to; n++)
        await Promise.all(ids.map(id => scenario.client.publisher(opened).publish({ id, n, note })))
    },
  }
}

export function items({ stdout }: { readonly stdout: readonly string[] }): Record<string, unknown>[] {
  return (JSON.parse(stdout.join('\n')) as { items: Record<string, unknown>[] }).items
}
