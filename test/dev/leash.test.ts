import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { type LeashedProcess, type LeashOptions, spawnLeashed } from '../../src/dev/leash.ts'
import { eventually, runs } from './eventually.ts'

const running: { kill(signal: NodeJS.Signals): boolean }[] = []
afterEach(() => {
  for (const process of running.splice(0)) process.kill('SIGKILL')
})

async function node(script: string, options: LeashOptions = {}): Promise<LeashedProcess> {
  const leashed = await spawnLeashed(process.execPath, ['-e', script], options)
  running.push(leashed)
  return leashed
}

/** What a script prints once it is ready to be signalled. */
const ready = `console.log('ready')`
const stays = `setInterval(() => {}, 1000)`

async function readyNode(script: string): Promise<LeashedProcess> {
  let isReady = false
  const leashed = await node(script, { onLine: line => (isReady ||= line === 'ready') })
  await eventually('the script is ready', () => isReady)
  return leashed
}

describe('a leashed process', () => {
  test('hands over its lines, by stream, before its exit code', async () => {
    const lines: string[] = []
    const script = `for (let i = 0; i < 2000; i++) console.log(JSON.stringify({ i })); console.error('bad'); process.exitCode = 7`
    const leashed = await node(script, { onLine: (line, stream) => lines.push(`${stream} ${line}`) })
    expect(await leashed.exited).toEqual({ code: 7, signal: null })
    expect(lines).toHaveLength(2001)
    expect(lines).toContain('stderr bad')
    expect(lines.filter(line => line.startsWith('stdout')).at(-1)).toBe('stdout {"i":1999}')
  })

  test('reports the signal that killed it, and its real pid', async () => {
    const leashed = await readyNode(`${ready}; ${stays}`)
    process.kill(leashed.pid, 'SIGKILL')
    expect(await leashed.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(leashed.kill('SIGTERM')).toBe(false)
  })

  test('gets SIGTERM from stop, and its own exit code is reported', async () => {
    const leashed = await readyNode(`process.on('SIGTERM', () => process.exit(42)); ${ready}; ${stays}`)
    expect(await leashed.stop()).toEqual({ code: 42, signal: null })
    expect(await leashed.stop()).toEqual({ code: 42, signal: null })
  })

  test('gets SIGKILL when it does not end within the grace', async () => {
    const leashed = await readyNode(`process.on('SIGTERM', () => {}); ${ready}; ${stays}`)
    expect(await leashed.stop(50)).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('takes what it started itself with it', async () => {
    let grandchild = 0
    const script = `const c = require('child_process').spawn(process.execPath, ['-e', '${stays}']); console.log(c.pid); ${stays}`
    const leashed = await node(script, { onLine: line => (grandchild = Number(line)) })
    await eventually('the grandchild runs', () => grandchild > 0)
    await leashed.stop()
    await eventually('the grandchild has ended', () => !runs(grandchild))
  })

  test('sees the environment and folder it was given, and no descriptor of the leash', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'leash-'))
    const lines: string[] = []
    const direct = await spawnLeashed('/bin/sh', ['-c', 'echo "$COLOUR $NODE_OPTIONS"; pwd; echo x >&3'], {
      env: { ...process.env, COLOUR: 'blue', NODE_OPTIONS: '--no-warnings' },
      cwd,
      onLine: line => lines.push(line),
    })
    expect((await direct.exited).code).not.toBe(0)
    expect(lines.slice(0, 2)).toEqual(['blue --no-warnings', cwd])
  })

  test('that cannot be started rejects with the reason of the system', async () => {
    await expect(spawnLeashed('/no/such/command', [])).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('counts as killed when its watcher is, and ends too', async () => {
    const leashed = await readyNode(`${ready}; ${stays}`)
    process.kill(parentOf(leashed.pid), 'SIGKILL')
    expect(await leashed.exited).toEqual({ code: null, signal: 'SIGKILL' })
    await eventually('the process has ended', () => !runs(leashed.pid))
  })
})

describe('when the parent is killed', () => {
  test('the process gets SIGTERM and time to end by itself', async () => {
    const folder = temporary()
    const mark = join(mkdtempSync(join(tmpdir(), 'leash-')), 'mark')
    const script = `process.on('SIGTERM', () => { require('fs').writeFileSync('${mark}', 'clean'); process.exit() }); ${ready}; ${stays}`
    const { parent, pid } = await startParent(5_000, folder, script)
    parent.kill('SIGKILL')
    await eventually('the process has ended', () => !runs(pid))
    expect(readFileSync(mark, 'utf8')).toBe('clean')
    await eventually('its folder is removed', () => !existsSync(folder))
  })

  test.each([0, 300])('a process that ignores SIGTERM is killed after a grace of %i ms', async graceMs => {
    const { parent, pid } = await startParent(graceMs, temporary(), `process.on('SIGTERM', () => {}); ${ready}; ${stays}`)
    parent.kill('SIGKILL')
    await eventually('the process has ended', () => !runs(pid), 4_000)
  })

  test('Ctrl-C in the terminal reaches the parent only', async () => {
    const { parent, pid } = await startParent(0, temporary(), `process.on('SIGINT', () => process.exit(9)); ${ready}; ${stays}`)
    // A terminal signals its foreground group. That the process is in another session is what keeps it out.
    expect(sessionOf(pid)).not.toBe(sessionOf(parent.pid!))
    expect(sessionOf(pid)).not.toBe(sessionOf(process.pid))
    process.kill(-parent.pid!, 'SIGINT')
    await eventually('the process has ended', () => !runs(pid))
  })
})

test('a running leashed process does not keep its parent alive', async () => {
  const module = new URL('../../src/dev/leash.ts', import.meta.url).href
  const script = `import('${module}').then(async m => { const p = await m.spawnLeashed('sleep', ['60'], { onLine() {} }); console.log(p.pid) })`
  let pid = 0
  const parent = await node(script, { onLine: line => (pid ||= Number(line) || 0) })
  expect(await parent.exited).toEqual({ code: 0, signal: null })
  await eventually('its child has ended too', () => pid > 0 && !runs(pid))
})

async function startParent(graceMs: number, folder: string, script: string): Promise<{ parent: ChildProcess; pid: number }> {
  const file = fileURLToPath(new URL('./leash-parent.ts', import.meta.url))
  // Detached, for a process group of its own: the test signals it as a terminal would.
  const parent = spawn(process.execPath, [file, String(graceMs), folder, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  running.push(parent)
  const pid = await new Promise<number>(resolve => {
    createInterface({ input: parent.stdout }).on('line', line => resolve((JSON.parse(line) as { pid: number }).pid))
  })
  return { parent, pid }
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leash-'))
  writeFileSync(join(folder, 'file'), '')
  expect(readdirSync(folder)).toHaveLength(1)
  return folder
}

function parentOf(pid: number): number {
  return Number(stat(pid)[1])
}

function sessionOf(pid: number): number {
  return Number(stat(pid)[3])
}

function stat(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
}
