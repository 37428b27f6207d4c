/**
 * T12: one partition over many assignments, against a model that knows nothing of ranges: a set of what was finished, a set of what
 * the last commit told. Random fetches (with gaps, a few records or many), finishes in any order, commits, some of which are lost,
 * drains and kills.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeFinished, encodeFinished } from '../../src/consume/finished.ts'
import { Ledger, type LedgerEntry } from '../../src/consume/ledger.ts'

const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fetch' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const), lost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reassign' as const), drained: fc.boolean() }) },
)

/** The log: offsets with gaps, as transactions and compaction leave them. */
const log = fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }).map(gaps => {
  let offset = -1
  return gaps.map(gap => (offset += 1 + (gap === 3 ? 2 : 0)))
})

it('never skips a record, never runs one that was committed as finished, and commits nothing that is not', () => {
  fc.assert(
    fc.property(log, fc.array(move, { maxLength: 120 }), (offsets, moves) => {
      const finished = new Set<number>()
      let told = new Set<number>()
      let committed = { offset: 0n, metadata: '' }
      let ledger = new Ledger(0n, [])
      let running: LedgerEntry[] = []
      let next = 0
      const commit = (lost: boolean) => {
        const metadata = encodeFinished(ledger.prefix, ledger.finishedAbovePrefix())
        const ranges = decodeFinished(ledger.prefix, metadata)
        const covered = (offset: number) =>
          BigInt(offset) < ledger.prefix || ranges.some(({ from, to }) => from <= BigInt(offset) && BigInt(offset) < to)
        const covers = new Set(offsets.filter(covered))
        for (const offset of covers) expect(finished).toContain(offset)
        for (const offset of told) expect(covers).toContain(offset)
        if (lost) return
        told = covers
        committed = { offset: ledger.prefix, metadata }
      }
      for (const one of moves) {
        if (one.kind === 'fetch') {
          for (const offset of offsets.slice(next, next + one.count)) {
            const entry = ledger.begin(BigInt(offset))
            expect(entry === undefined).toBe(told.has(offset))
            if (entry) running.push(entry)
          }
          next = Math.min(offsets.length, next + one.count)
        } else if (one.kind === 'finish' && running.length > 0) {
          const [entry] = running.splice(one.pick % running.length, 1)
          ledger.finish(entry!)
          finished.add(Number(entry!.offset))
        } else if (one.kind === 'commit') commit(one.lost)
        else if (one.kind === 'reassign') {
          if (one.drained) commit(false)
          ledger = new Ledger(committed.offset, decodeFinished(committed.offset, committed.metadata))
          running = []
          next = offsets.findIndex(offset => BigInt(offset) >= committed.offset)
          if (next < 0) next = offsets.length
        }
      }
    }),
    { numRuns: 10_000 },
  )
}, 60_000)
