import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Letter } from '../../src/dlq/letter.ts'
import { type Condition, selectionOf } from '../../src/dlq/selection.ts'

const base: Letter = {
  partition: 1,
  offset: 10n,
  record: { topic: 'spend.dlq', partition: 1, offset: 10n, timestampMs: 500, key: Buffer.from('k'), value: null, headers: [] },
  trail: {
    origin: { topic: 'orders', partition: 1, offset: 7n, timestampMs: 100 },
    group: 'spend',
    attempt: 1,
    hop: 1,
    redriveCount: 0,
    disposition: 'rejected',
    failure: { class: 'E', message: '', stack: '', fingerprint: 'f1' },
  },
}
const bare: Letter = { ...base, record: { ...base.record, key: null }, trail: undefined }

const matches = (letter: Letter, type: string | undefined, ...conditions: object[]) =>
  selectionOf(
    conditions.map(one => ({ words: '', ...one }) as Condition),
    Number.POSITIVE_INFINITY,
    async () => type,
  ).matches(letter)

test.each([
  [{ on: 'fingerprint', values: ['f0', 'f1'] }, true, false],
  [{ on: 'fingerprint', values: ['f'] }, false, false],
  [{ on: 'fingerprint', values: ['none'] }, false, true],
  [{ on: 'disposition', values: ['rejected'] }, true, false],
  [{ on: 'disposition', values: ['none', 'expired'] }, false, true],
  [{ on: 'key', key: Buffer.from('k') }, true, false],
  [{ on: 'key', key: Buffer.from('') }, false, false],
  [{ on: 'failed', fromMs: 500, toMs: 501 }, true, true],
  [{ on: 'failed', fromMs: 0, toMs: 500 }, false, false],
  [{ on: 'published', fromMs: 100, toMs: 101 }, true, false],
  [{ on: 'published', fromMs: 101, toMs: 200 }, false, false],
  [{ on: 'address', ranges: [{ partition: 1, from: 10n, to: 11n }] }, true, true],
  [{ on: 'address', ranges: [{ partition: 1, from: 0n, to: 10n }] }, false, false],
  [{ on: 'address', ranges: [{ partition: 0, from: 0n, to: 99n }] }, false, false],
])('condition %#', async (condition, whole, withoutTrail) => {
  expect(await matches(base, undefined, condition)).toBe(whole)
  expect(await matches(bare, undefined, condition)).toBe(withoutTrail)
})

test('a type is meant by its full or simple name', async () => {
  const of = (type: string | undefined, value: string) => matches(base, type, { on: 'type', values: [value] })
  expect(await of('shop.Placed', 'shop.Placed')).toBe(true)
  expect(await of('shop.Placed', 'Placed')).toBe(true)
  expect(await of('shop.Placed', 'laced')).toBe(false)
  expect(await of(undefined, 'none')).toBe(true)
  expect(await of(undefined, 'Placed')).toBe(false)
})

test('all conditions must hold, and a type is looked up only when the others do', async () => {
  const yes = { on: 'fingerprint', values: ['f1'] }
  const no = { on: 'fingerprint', values: ['f2'] }
  const type = { on: 'type', values: ['A'] }
  expect(await matches(base, 'A', yes, type)).toBe(true)
  expect(await matches(base, 'B', yes, type)).toBe(false)
  expect(await matches(base, 'A', type, { on: 'type', values: ['B'] })).toBe(false)
  const asked = selectionOf(
    [
      { words: '', ...no },
      { words: '', ...type },
    ] as Condition[],
    1,
    () => Promise.reject(new Error('asked')),
  )
  expect(await asked.matches(base)).toBe(false)
})

test('no letter that matches lies outside of what is read', () => {
  const range = fc.record({ partition: fc.nat(2), from: fc.bigInt(0n, 20n), length: fc.bigInt(1n, 9n) })
  fc.assert(
    fc.property(fc.array(fc.array(range, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), all => {
      const conditions = all.map(ranges => ({
        on: 'address' as const,
        words: '',
        ranges: ranges.map(({ partition, from, length }) => ({ partition, from, to: from + length })),
      }))
      const selection = selectionOf(conditions, Number.POSITIVE_INFINITY, async () => undefined)
      for (const partition of [0, 1, 2]) {
        const span = selection.within(partition)
        for (let offset = 0n; offset < 32n; offset++) {
          const inside = span !== undefined && span[0] <= offset && offset < span[1]
          const match = selection.matches({ ...base, partition, offset }) as boolean
          expect(match).toBe(
            all.every(rs => rs.some(r => r.partition === partition && r.from <= offset && offset < r.from + r.length)),
          )
          if (match) expect(inside).toBe(true)
        }
      }
    }),
  )
})

test('its words say what was chosen', () => {
  const named = (words: string) => ({ on: 'fingerprint', values: [], words }) as Condition
  const words = (conditions: Condition[], limit: number) => selectionOf(conditions, limit, async () => undefined).words
  expect(words([], Number.POSITIVE_INFINITY)).toBe('all')
  expect(words([named('a=1'), named('b=2')], 3)).toBe('a=1 and b=2, limit 3')
})
