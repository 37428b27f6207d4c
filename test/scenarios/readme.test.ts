/** What the README shows works as it stands there: every file type-checks and runs, every command does what is said of it. */
import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { until } from '../until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const files = new Map([...readme.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)].map(([, name, text]) => [name!, text!]))
const commands = [...readme.matchAll(/^```sh run\n(.*?)^```$/gms)].flatMap(([, text]) => text!.trim().split('\n'))
/** Inside the clone, so that `spillway` is this package. */
let folder: string

beforeAll(() => {
  mkdirSync(join(root, '.spillway'), { recursive: true })
  folder = mkdtempSync(join(root, '.spillway', 'readme-'))
  cpSync(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true, filter: path => !path.endsWith('.ts') })
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const env = () => ({
  ...process.env,
  KAFKA_BROKERS: inject('brokers').join(','),
  SCHEMA_REGISTRY_URL: inject('registryUrl'),
  NO_COLOR: '1',
})
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: folder, env: env() })
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
    for (const command of commands) {
      const [npx, name, ...args] = command.split(' ')
      expect([npx, name]).toEqual(['npx', 'spillway'])
      await spillway(...args)
    }
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { paths: { spillway: [join(root, 'src/index.ts')], 'spillway/testing': [join(root, 'src/testing.ts')] } },
      include: ['.'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', folder]).catch(error =>
      expect.fail(error.stdout),
    )
  })

  it('publishes and handles', async () => {
    const run = spawn(process.execPath, [join(root, 'dist/cli.js'), 'run'], {
      cwd: folder,
      env: { ...env(), LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
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
