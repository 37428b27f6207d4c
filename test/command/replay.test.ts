import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { CommandContext } from '../../src/command/context.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { replayCommand } from '../../src/command/replay.ts'
import { defineService } from '../../src/config.ts'
import { DeadLetter, type Handler, type ProcessorOptions } from '../../src/index.ts'
import { Signals } from '../../src/observe/signals.ts'
import { stage } from '../replay/stage.ts'
import { catchSaid } from './said.ts'

type Step = { readonly id: string; readonly n: number }

/** `spillway replay walk ...` in this process, on a broker in memory. */
async function terminal(handler: Handler<Step>, options: ProcessorOptions = {}) {
  const set = await stage({ partitions: 1 })
  const folder = mkdtempSync(join(tmpdir(), 'spillway-replay-'))
  const said = catchSaid()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const service = defineService({ name: 'shop', processors: [set.processorOf(handler, options)] })
  const context = {
    service: async () => service,
    broker: set.broker,
    registry: set.registry,
    signals: new Signals(),
    connection: { logLevel: 'silent', logFormat: 'json' },
    close: async () => {},
  }
  const replay = async (...args: string[]) => {
    said.out = said.err = ''
    const program = buildProgram([replayCommand(async () => context as unknown as CommandContext)])
    return runProgram(program, ['node', 'spillway', 'replay', 'walk', ...args], text => text, false)
  }
  return { ...set, said, replay, file: join(folder, 'failed.jsonl') }
}

test('Ctrl-C, and what failed before it still counts when the rest goes well', async () => {
  const handler: Handler<Step> = ({ n }) => {
    if (n === 1) throw new DeadLetter('never')
    if (n === 5) process.emit('SIGINT', 'SIGINT')
  }
  const { publish, replay, said, file } = await terminal(handler, { concurrency: 1 })
  await publish(['a'], 1, 50)
  expect(await replay('--from', 'start', '--file', file, '--execute', '--json')).toBe(130)
  const [first] = JSON.parse(said.out).items
  expect(first).toMatchObject({ failed: 1, interrupted: true, file })
  expect(said.err).toContain(`go on with it: spillway replay walk --resume ${first.id} --file ${file} --execute`)
  expect(said.err).toContain('finishing what runs ... (again: stop at once)')

  expect(await replay('--resume', first.id, '--file', file, '--execute')).toBe(1)
  expect(said.out).toBe(`walk: ${49 - first.handled} handled, replay ${first.id}\n  what failed is in ${file}\n`)
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(1)
})

test('a file that is there is not written over, and then nothing is handled', async () => {
  const handler = vi.fn()
  const { publish, replay, said, file } = await terminal(handler)
  await publish(['a'], 1, 2)
  expect(await replay('--from', 'start', '--file', import.meta.filename, '--execute')).toBe(4)
  expect(said.err).toContain('exists already')
  expect(handler).not.toHaveBeenCalled()
  expect(existsSync(file)).toBe(false)
})

test('the JSON of a plan', async () => {
  const { publish, replay, said } = await terminal(() => {})
  await publish(['a'], 1, 12)
  expect(await replay('--from', '2', '--to', '-1', '-o', 'json')).toBe(0)
  expect(JSON.parse(said.out)).toEqual({ apiVersion: 'v1', kind: 'ReplayPlan', items: [emptyPlan] })
  expect(await replay('--from', '2', '--to', '5', '-o', 'json')).toBe(0)
  expect(JSON.parse(said.out).items).toEqual([
    {
      ...emptyPlan,
      partitions: [{ topic: 'steps', partition: 0, from: '2', to: '5', position: '2' }],
      offsets: '3',
      records: '3',
      sample: { offsets: '3', records: 3 },
    },
  ])
  expect(said.err).toContain('To do it: spillway replay walk --from 2 --to 5 --execute')
})

const emptyPlan = {
  group: 'walk',
  id: null,
  partitions: [],
  offsets: '0',
  records: '0',
  isWhole: true,
  readPerSecond: null,
  sample: { offsets: '0', records: 0 },
  leastSeconds: null,
}

test('a registry that does not answer is said before anything begins', async () => {
  const { publish, replay, registry } = await terminal(() => {})
  await publish(['a'], 1, 1)
  vi.spyOn(registry, 'ping').mockRejectedValue(Object.assign(new Error('no'), { code: 'E_REGISTRY_UNAVAILABLE' }))
  expect(await replay('--from', 'start', '--execute')).toBe(3)
})
