import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../src/command/exit-code.ts'
import { parseCondition, readSelection, selectionText } from '../../src/command/where.ts'

const now = Date.parse('2026-11-22T10:00:00.000Z')
const minuteMs = 60_000
const parse = (text: string) => {
  const { words: _words, ...condition } = parseCondition(text, now)
  return condition
}

describe('conditions', () => {
  test.each([
    ['fingerprint=f1,f2', { on: 'fingerprint', values: ['f1', 'f2'] }],
    ['type=shop.Placed', { on: 'type', values: ['shop.Placed'] }],
    ['disposition=rejected,none', { on: 'disposition', values: ['rejected', 'none'] }],
    ['key=a=b,c', { on: 'key', key: Buffer.from('a=b,c') }],
    ['key=hex:00Ff', { on: 'key', key: Buffer.from([0, 255]) }],
    ['key=hex:', { on: 'key', key: Buffer.alloc(0) }],
    ['failed=@-15m..', { on: 'failed', fromMs: now - 15 * minuteMs, toMs: Number.POSITIVE_INFINITY }],
    ['failed=@-15m', { on: 'failed', fromMs: now - 15 * minuteMs, toMs: Number.POSITIVE_INFINITY }],
    ['failed=..@-30d', { on: 'failed', fromMs: Number.NEGATIVE_INFINITY, toMs: now - 30 * 24 * 60 * minuteMs }],
    ['published=@2026-11-22T10:00+01:00..@now', { on: 'published', fromMs: now - 60 * minuteMs, toMs: now }],
    ['published=@1764000000..@1764000000001', { on: 'published', fromMs: 1_764_000_000_000, toMs: 1_764_000_000_001 }],
    ['failed=@2026-11-22T09:59:59.500Z..@now', { on: 'failed', fromMs: now - 500, toMs: now }],
    ['address=0:12', { on: 'address', ranges: [{ partition: 0, from: 12n, to: 13n }] }],
    [
      'address=0:12..20,3:..5',
      {
        on: 'address',
        ranges: [
          { partition: 0, from: 12n, to: 21n },
          { partition: 3, from: 0n, to: 6n },
        ],
      },
    ],
    ['address=7:12..', { on: 'address', ranges: [{ partition: 7, from: 12n, to: 2n ** 63n }] }],
    ['address=7:..', { on: 'address', ranges: [{ partition: 7, from: 0n, to: 2n ** 63n }] }],
  ])('%s', (text, condition) => {
    expect(parse(text)).toEqual(condition)
  })

  test.each([
    ['', /name=value/],
    ['fingerprint', /name=value/],
    ['=x', /there is no condition ''/],
    ['constructor=x', /there is no condition 'constructor'/],
    ['fingerprnt=x', /did you mean 'fingerprint'/],
    ['key=', /an empty key is key=hex:/],
    ['key=hex:0', /pairs of hex digits/],
    ['type=A,,B', /empty value between the commas/],
    ['disposition=dead', /there is no disposition 'dead': there are exhausted, rejected/],
    ['failed=..', /write from\.\.to/],
    ['failed=@now..@now..@now', /write from\.\.to/],
    ['failed=-15m', /times begin with @/],
    ['failed=@-15', /write a unit/],
    ['failed=@-15m..@-16m', /ends before it begins/],
    ['failed=@2026-11-22', /does not say its time zone: write @2026-11-22T00:00Z/],
    ['failed=@2026-11-22T10:00', /does not say its time zone: write @2026-11-22T10:00Z/],
    ['failed=@2026-02-30T10:00Z', /is no time/],
    ['failed=@2026-11-22T24:00Z', /is no time/],
    ['failed=@12', /is no time/],
    ['address=12', /is no address/],
    ['address=0:', /is no address/],
    ['address=0:9..5', /ends before it begins/],
    ['address=0:99999999999999999999', /is no address/],
    ['failed=\u001b[2J', /--where 'failed=\\u001b\[2J'/],
  ])('%j is refused', (text, message) => {
    let thrown: unknown
    try {
      parseCondition(text, now)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'E_SELECTION', message: expect.stringMatching(message) })
    expect(exitCodeOf(thrown)).toBe(64)
  })

  test('whatever is written is a condition or a clear error', () => {
    const names = fc.constantFrom('fingerprint', 'type', 'key', 'failed', 'published', 'address', 'disposition', 'x')
    const value = fc.oneof(fc.string(), fc.stringMatching(/^[@\-.:0-9msdTZ,hex]{0,20}$/))
    fc.assert(
      fc.property(names, value, (name, text) => {
        try {
          expect(parseCondition(`${name}=${text}`, now).on).toBe(name)
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_SELECTION' })
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

test('a choice goes into another command line as it was meant, with absolute times', () => {
  const flags = { where: ['failed=@-15m..', "key=it's", 'fingerprint=f1'], limit: '5' }
  const text = selectionText(flags, now, 2)
  expect(text).toBe(` --where failed=@2026-11-22T09:45:00.000Z.. --where 'key=it'\\''s' --where fingerprint=f1 --limit 3`)
  expect(selectionText({ where: [] }, now)).toBe('')
  const words = readSelection(flags, async () => undefined, now).words
  expect(words).toBe("failed=@2026-11-22T09:45:00.000Z.. and key=it's and fingerprint=f1, limit 5")
})

test.each(['0', '-1', '1.5', 'all', ''])('--limit %j is refused', limit => {
  expect(() => readSelection({ where: [], limit }, async () => undefined, now)).toThrow(
    expect.objectContaining({ code: 'E_SELECTION' }) as Error,
  )
})
