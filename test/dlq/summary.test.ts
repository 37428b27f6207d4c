import { expect, test } from 'vitest'
import type { Letter } from '../../src/dlq/letter.ts'
import { LetterSummary } from '../../src/dlq/summary.ts'
import type { Disposition } from '../../src/topic/trail.ts'

function letter(
  offset: bigint,
  timestampMs: number,
  failure?: { class: string; fingerprint: string },
  disposition: Disposition = 'exhausted',
): Letter {
  const record = { topic: 'spend.dlq', partition: 1, offset, timestampMs, key: null, value: null, headers: [] }
  const origin = { topic: 'orders', partition: 1, offset, timestampMs: 0 }
  const trail = { origin, group: 'spend', attempt: 1, hop: 1, redriveCount: 0, disposition }
  return {
    partition: 1,
    offset,
    record,
    trail: failure ? { ...trail, failure: { message: `m${offset}`, stack: '', ...failure } } : undefined,
  }
}

function summaryOf(letters: readonly Letter[], options?: { maxGroups: number }): LetterSummary {
  const summary = new LetterSummary(options)
  for (const one of letters) summary.add(one, one.trail?.failure?.fingerprint ?? '')
  return summary
}

test('letters are counted by name, with all dispositions and the span of their times; nameless ones by what they died of', () => {
  const boom = { class: 'TypeError', fingerprint: 'f1' }
  const groups = summaryOf([
    letter(0n, 500),
    letter(1n, 300, boom),
    letter(2n, 200, boom),
    letter(3n, 400, boom),
    letter(4n, 250, boom, 'rejected'),
    letter(5n, 100, { class: 'TypeError', fingerprint: 'f2' }),
    letter(6n, 100, { class: 'Undecodable', fingerprint: '' }),
  ]).groups()
  expect(groups.map(one => [one.name, one.errorClass, one.dispositions.join(), one.letters])).toEqual([
    ['f1', 'TypeError', 'exhausted,rejected', 4],
    ['', '', '', 1],
    ['f2', 'TypeError', 'exhausted', 1],
    ['', 'Undecodable', 'exhausted', 1],
  ])
  expect(groups[0]).toMatchObject({ errorMessage: 'm1', firstSeenMs: 200, lastSeenMs: 400, oldest: { partition: 1, offset: 2n } })
})

test('beyond the most groups that are kept apart, letters are counted together', () => {
  const many = Array.from({ length: 10 }, (_, i) => letter(BigInt(i), 100 - i, { class: 'E', fingerprint: `f${i % 5}` }))
  const summary = summaryOf(many, { maxGroups: 2 })
  expect(summary.groups().map(({ name, letters }) => [name, letters])).toEqual([
    ['f0', 2],
    ['f1', 2],
  ])
  expect(summary.others).toMatchObject({ letters: 6, firstSeenMs: 91, lastSeenMs: 98, oldest: { offset: 9n } })
  expect(summaryOf([]).others).toBeUndefined()
})

test('texts of strangers are cut, and different ones stay apart', () => {
  const long = (end: string) => letter(0n, 0, { class: 'C'.repeat(100_000), fingerprint: 'f'.repeat(100_000) + end })
  const groups = summaryOf([long('a'), long('b'), long('b')]).groups()
  expect(groups.map(({ letters }) => letters)).toEqual([2, 1])
  expect(Math.max(...groups.flatMap(one => [one.name.length, one.errorClass.length]))).toBeLessThanOrEqual(200)
})
