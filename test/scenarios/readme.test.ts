/** What the README shows works as it stands there: every file type-checks and runs, every command does what is said of it. */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../until.ts'
import { commandIn, environment, folderWith, nodeIn, root, snippetsOf, typeCheck } from './snippets.ts'

const { text: readme, files, commands } = snippetsOf('README.md')
let folder: string

beforeAll(() => {
  folder = folderWith('readme', files)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const node = (...args: string[]) => nodeIn(folder, ...args)
const spillway = (...args: string[]) => node(join(root, 'dist/cli.js'), ...args)

describe('the README', () => {
  it('shows every file with a name, and a hello world of at most 12 lines', () => {
    expect(readme).not.toMatch(/^```ts$/m)
    expect([...files.keys()]).toEqual(['spillway.config.ts', 'publish.ts', 'reminders.ts', 'billing.test.ts'])
    expect(
      files
        .get('spillway.config.ts')!
        .split('\n')
        .filter(line => line.trim() !== '').length,
    ).toBeLessThanOrEqual(12)
  })

  it('sets a service up with the commands it names, on files that type-check', async () => {
    expect(commands.length).toBeGreaterThan(3)
    for (const command of commands) await commandIn(folder, command)
    await typeCheck(folder)
  })

  it('publishes and handles', async () => {
    const run = spawn(process.execPath, [join(root, 'dist/cli.js'), 'run'], {
      cwd: folder,
      env: { ...environment(), LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<number | null>(resolve => run.on('exit', resolve))
    onTestFinished(() => void run.kill('SIGKILL'))
    let log = ''
    run.stdout.on('data', chunk => (log += chunk))
    const { stdout } = await node('publish.ts')
    expect(stdout).toMatch(/ is in hello\.orders\/\d at 0\n$/)
    await until(() => log.includes('"event":"message.done"') && log.includes('charged'), {
      withinMs: 30_000,
      what: 'the order is handled',
    })
    run.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('tests a handler without a broker, and defines a worker', async () => {
    expect((await node('billing.test.ts')).stdout).toBe('rejected - an order without lines\n')
    const { stdout } = await spillway('topic', 'plan', '--config', 'reminders.ts', '-o', 'json')
    expect(stdout).toContain('hello-reminders.retry.10m')
  })
})
