import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { failureOf } from '../../src/retry/failure.ts'

const at = (message: string, frame: string) => Object.assign(new Error(message), { stack: `Error: ${message}\n    at ${frame}` })

describe('the fingerprint of a failure', () => {
  it('is equal for one bug: numbers, ids, quoted text, lines and folders do not count', () => {
    const one = at(`order 536365 of "17850" (3f2504e0-4f89-11d3-9a0c-0305e82c3301) refused`, 'charge (/srv/a/billing.ts:10:3)')
    const other = at(`order 7 of "abc" (0b0e7c3a-4f89-11d3-9a0c-0305e82c3999) refused`, 'charge (/home/b/billing.ts:99:7)')
    expect(failureOf(one).fingerprint).toBe(failureOf(other).fingerprint)
  })

  it('differs by class, by words and by place', () => {
    const prints = [
      at('refused', 'charge (/a/billing.ts:1:1)'),
      at('timed out', 'charge (/a/billing.ts:1:1)'),
      at('refused', 'refund (/a/billing.ts:1:1)'),
      at('refused', 'charge (/a/bank.ts:1:1)'),
      Object.assign(at('refused', 'charge (/a/billing.ts:1:1)'), { name: 'BankError' }),
    ].map(error => failureOf(error).fingerprint)
    expect(new Set(prints).size).toBe(5)
  })

  it('does not count a cause, which is often another in one outage', () => {
    const frame = 'charge (/a/billing.ts:1:1)'
    const caused = Object.assign(at('refused', frame), { cause: new Error('socket hang up') })
    expect(failureOf(caused).fingerprint).toBe(failureOf(at('refused', frame)).fingerprint)
  })

  it('of an error that says nothing counts the first that it gathers', () => {
    const gathered = (message: string) => new AggregateError([new Error(message)])
    expect(failureOf(gathered('a 1')).fingerprint).toBe(failureOf(gathered('a 2')).fingerprint)
    expect(failureOf(gathered('a')).fingerprint).not.toBe(failureOf(gathered('b')).fingerprint)
    expect(failureOf(gathered('a')).message).toBe('')
  })

  it('exists for whatever is thrown', () => {
    const hostile = new AggregateError([])
    Object.defineProperty(hostile, 'errors', {
      get() {
        throw new Error('mine')
      },
    })
    const noStack = Object.assign(new Error('a'), { stack: undefined })
    const things = [
      undefined,
      null,
      7,
      'order 7',
      Symbol('a'),
      {},
      Object.create(null),
      hostile,
      noStack,
      Object.freeze({ a: 1 }),
    ]
    for (const thing of things) expect(failureOf(thing).fingerprint).toMatch(/^[0-9a-f]{12}$/)
    expect(failureOf('order 7').fingerprint).toBe(failureOf('order 8').fingerprint)
    expect(failureOf('order 7').fingerprint).not.toBe(failureOf('cart 7').fingerprint)
  })
})

/** A service that throws in several ways and prints the fingerprints. */
const source = `
import { readFile } from 'node:fs/promises'
const { failureOf } = await import(process.env.FAILURE_MODULE)
class Bill {
  constructor(id) { if (id < 0) throw new RangeError('no bill ' + id) }
  charge(id) { return JSON.parse('{"id":' + id) }
  async open(id) { await readFile(import.meta.dirname + '/none-' + id) }
  lines(id) { return [id].map(one => one.x.y) }
}
const made = new Function('id', 'throw new Error("made " + id)')
const id = process.pid
const ways = [
  () => new Bill(-id),
  () => new Bill(1).charge(id),
  () => new Bill(1).open(id),
  () => new Bill(1).lines(id),
  () => made(id),
  async () => { await null; throw new Error("can't take '" + id + "'") },
  () => Promise.all([new Bill(1).open(id)]),
  () => { throw 'plain ' + id },
]
const prints = []
for (const way of ways) {
  try { await way() } catch (error) { prints.push(failureOf(error).fingerprint) }
}
console.log(JSON.stringify(prints))
`

it('is one for one source: in another process, another folder and another build', () => {
  const root = mkdtempSync(join(tmpdir(), 'fingerprint-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const printsOf = (file: string, text: string): string[] => {
    const path = join(root, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    const module = fileURLToPath(new URL('../../src/retry/failure.ts', import.meta.url))
    const { stdout, stderr } = spawnSync(process.execPath, [path], {
      encoding: 'utf8',
      env: { ...process.env, FAILURE_MODULE: module },
    })
    expect(stderr).toBe('')
    return JSON.parse(stdout) as string[]
  }
  const first = printsOf('a/service.mjs', source)
  expect(new Set(first).size).toBeGreaterThanOrEqual(7)
  expect(printsOf('b (copy)/deep/service.mjs', source)).toEqual(first)
  expect(printsOf('a/service.3f2a9c1b.mjs', `// a later build\n\n${source}`)).toEqual(first)
  expect(printsOf('a/service-DkJ3x9_B.mjs', `\n  ${source.replaceAll('\n', '\n  ')}`)).toEqual(first)
})
