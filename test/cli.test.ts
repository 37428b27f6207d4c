import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../src/command/exit-code.ts'
import { linesOf } from '../src/command/lines.ts'
import { nearest } from '../src/command/nearest.ts'
import { jsonValue, tableLines } from '../src/command/output.ts'
import { errorText } from '../src/command/print-error.ts'
import {
  BrokerUnavailable,
  CheckFailed,
  ConfigError,
  GuardRefused,
  RegistryUnavailable,
  SchemaIncompatible,
  UsageError,
} from '../src/errors.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const service = `export default { kind: 'service', name: 'shop', messages: [{ kind: 'event', type: 'shop.OrderPlaced', topic: { name: 't' } }],
  processors: [{ kind: 'consumer', name: 'spend', subscriptions: [] }] }`

describe('the command line', { timeout: 60_000 }, () => {
  test('explains itself', () => {
    const { status, stdout, stderr } = spillway(['--help'])
    expect([status, stderr]).toEqual([0, ''])
    for (const word of [
      'dev',
      'doctor',
      'topic',
      'schema',
      'run',
      'publish',
      'status',
      'dlq',
      'replay',
      'Examples:',
      'Exit codes:',
    ])
      expect(stdout).toContain(word)
  })

  test.each(['20.19.0', '22.17.9'])('refuses Node %s, whatever is asked of it', version => {
    const older = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const { status, stderr } = spawnSync(process.execPath, ['--import', older, cli, '--version'], { encoding: 'utf8' })
    const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(status).toBe(64)
    expect(stderr).toContain(`error: spillway needs Node.js ${engines.node.slice(2)} or newer, and this is ${version}`)
  })

  test('knows its version', () => {
    expect(spillway(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  test.each([
    [['stauts'], /unknown command 'stauts'\n\(Did you mean status\?\)/],
    [['topic', 'aply'], /unknown command 'aply'\n\(Did you mean apply\?\)/],
    [['topic', 'apply', '--replication-factor', '0'], /whole number of 1 or more/],
    [['status', '--nope'], /unknown option '--nope'/],
    [['status', '-o', 'yaml'], /Allowed choices are text, json/],
    [['topic'], /Usage: spillway topic/],
    [['replay', 'spend'], /say where it begins/],
    [['replay', 'spend', '--from', 'yesterday'], /'yesterday' is no position/],
    [['replay', 'spend', '--from', '2026-11-22T10:00Z'], /is no position: write start, end, an offset/],
    [['replay', 'spend', '--from', '@2026-11-22T10:00'], /does not say its time zone/],
    [['replay', 'spend', '--from', '-1000', '--to', '-x'], /'-x' is no position/],
    [['replay', 'spend', '--from', 'start', '--rate', '0/s'], /whole number of records a second/],
    [['replay', 'spend', '--from', 'start', '--key', 'hex:0'], /pairs of hex digits/],
    [['replay', 'spend', '--from', 'start', '--effects', 'yes'], /Allowed choices are suppress, allow/],
    [['replay', 'spend', '--resume', 'ab12', '--from', 'start'], /range that it began with/],
    [['replay', 'spend', '--resume', '../x'], /no id of a replay/],
    [['replay', 'spend', '--live', '--from', 'start', '--key', 'k'], /goes with --from and --topic alone/],
    [['replay', 'spend', '--live'], /say where it begins/],
  ])('refuses %j as wrong usage', (args, words) => {
    expect(spillway(args)).toMatchObject({ status: 64, stdout: '', stderr: expect.stringMatching(words) })
  })

  test.each([
    [['run', 'spent'], /no consumer or worker 'spent': did you mean 'spend'\?/],
    [['publish', 'OrderPlacd'], /no event or job 'OrderPlacd': did you mean 'OrderPlaced'\?/],
    [['publish', 'shop.OrderPlaced', '--delay', '5s'], /only jobs can be delayed/],
    [['replay', 'spent', '--from', 'start'], /no consumer or worker 'spent': did you mean 'spend'\?/],
  ])('%j names what was probably meant', (args, words) => {
    expect(spillway(args, { files: { 'spillway.config.mjs': service } })).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(words),
    })
  })

  test.each([
    ['without a configuration', {}, /no spillway\.config\.ts/],
    [
      'with a syntax error',
      { 'spillway.config.ts': 'export default {\n  name: \n}' },
      /spillway\.config\.ts cannot be loaded: SyntaxError[^\n]*spillway\.config\.ts:3/,
    ],
    ['with another default export', { 'spillway.config.ts': 'export default 1' }, /export default defineService/],
  ])('%s says what to do, in one message without a stack', (_what, files, words) => {
    const { status, stderr } = spillway(['run'], { files })
    expect(status).toBe(64)
    expect(stderr).toMatch(words)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('without a broker names the ways out, and half of an address names the other half', () => {
    const files = { 'spillway.config.mjs': service }
    expect(spillway(['status'], { files })).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/KAFKA_BROKERS and SCHEMA_REGISTRY_URL.*spillway dev/),
    })
    expect(spillway(['status'], { files, env: { KAFKA_BROKERS: 'a:1' } }).stderr).toContain('SCHEMA_REGISTRY_URL is not')
  })

  test('says within seconds that no broker answers, and shows no password', () => {
    const env = { KAFKA_BROKERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: 'http://me:canary-pw@127.0.0.1:2' }
    const { status, stderr, stdout } = spillway(['doctor'], { env, files: { 'spillway.config.mjs': service } })
    expect(status).toBe(3)
    expect(stdout).toMatch(/✗ broker .*ECONNREFUSED/)
    expect(stdout).toMatch(/✗ registry .*ECONNREFUSED/)
    expect(stdout + stderr).not.toContain('canary')
    expect(spillway(['status'], { env })).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^error: no broker answers: 127\.0\.0\.1:1/),
    })
  })
})

test.each([
  [new UsageError(''), 64],
  [new ConfigError(['']), 64],
  [new BrokerUnavailable(''), 3],
  [new RegistryUnavailable(''), 3],
  [new GuardRefused(''), 4],
  [new CheckFailed(''), 5],
  [new SchemaIncompatible(''), 5],
  [new Error(''), 1],
  [undefined, 1],
  [{ code: 'commander.version' }, 0],
  [{ code: 'commander.unknownOption' }, 64],
])('%o exits with %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code)
})

test('an error is one line and what is new in its causes', () => {
  const error = new BrokerUnavailable('no answer: ECONNREFUSED', {
    cause: new Error('ECONNREFUSED', { cause: new Error('firewall') }),
  })
  expect(errorText(error, false)).toBe('error: no answer: ECONNREFUSED (E_BROKER_UNAVAILABLE)\n  because: firewall')
  expect(errorText(error, true)).toMatch(/\n\s+at /)
  expect(errorText('a string', false)).toBe('error: a string')
})

test('a table has columns, numbers to the right, and no blanks at the end', () => {
  expect(
    tableLines(
      [
        { name: 'a', lag: 5n, state: '' },
        { name: 'long', lag: 100n, state: 'x' },
      ],
      ['name', 'lag', 'state'],
    ),
  ).toEqual(['NAME  LAG  STATE', 'a       5', 'long  100  x'])
})

test('JSON has offsets as text and bytes as base64', () => {
  expect(JSON.stringify({ offset: 12n, bytes: Buffer.from('ab') }, jsonValue)).toBe('{"offset":"12","bytes":"YWI="}')
})

test('the nearest name is found, a far one is none', () => {
  expect(nearest('custmer-spend', ['stock-levels', 'customer-spend'])).toBe('customer-spend')
  expect(nearest('zzz', ['stock-levels'])).toBeUndefined()
})

test('lines are split at line feeds only, whatever the chunks', async () => {
  const bytes = Buffer.from('ä\u2028b\r\n\nlast')
  const chunks = (async function* () {
    for (const byte of bytes) yield Uint8Array.of(byte)
  })()
  const lines: unknown[] = []
  for await (const line of linesOf(chunks)) lines.push(line)
  expect(lines).toEqual([
    { number: 1, text: 'ä\u2028b\r' },
    { number: 2, text: '' },
    { number: 3, text: 'last' },
  ])
})

/** In a folder of its own, with none of this machine's addresses in the environment. */
function spillway(
  args: string[],
  { files = {}, env = {} }: { files?: Record<string, string>; env?: Record<string, string> } = {},
) {
  const cwd = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  return spawnSync(process.execPath, [cli, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    input: '',
    timeout: 20_000,
  })
}
