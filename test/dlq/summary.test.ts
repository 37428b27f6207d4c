import { expect, test } from 'vitest'
import type { Letter } from '../../src/dlq/read.ts'
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

test('letters are counted by disposition, class and fingerprint, with the span of their times', () => {
  const summary = new LetterSummary()
  const boom = { class: 'TypeError', fingerprint: 'f1' }
  summary.add(letter(0n, 500))
  summary.add(letter(1n, 300, boom))
  summary.add(letter(2n, 200, boom))
  summary.add(letter(3n, 400, boom))
  summary.add(letter(4n, 100, boom, 'rejected'))
  summary.add(letter(5n, 100, { class: 'TypeError', fingerprint: 'f2' }))
  const kinds = summary.kinds()
  expect(kinds.map(kind => [kind.disposition, kind.errorClass, kind.fingerprint, kind.letters])).toEqual([
    ['exhausted', 'TypeError', 'f1', 3],
    [undefined, '', '', 1],
    ['rejected', 'TypeError', 'f1', 1],
    ['exhausted', 'TypeError', 'f2', 1],
  ])
  expect(kinds[0]).toMatchObject({ errorMessage: 'm1', firstSeenMs: 200, lastSeenMs: 400, first: { partition: 1, offset: 1n } })
})
