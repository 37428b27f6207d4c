import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFinished, encodeFinished, maxMetadataChars } from '../../src/consume/finished.ts'
import { Ledger, type LedgerEntry } from '../../src/consume/ledger.ts'

/** The naive model: a set of finished offsets, the prefix found by counting. */
class Model {
  readonly begun = new Set<bigint>()
  readonly finished = new Set<bigint>()
  position = 0n

  get prefix(): bigint {
    let at = 0n
    while (at < this.position && (!this.begun.has(at) || this.finished.has(at))) at++
    return at
  }
}

describe('the ledger', () => {
  it('commits the contiguous finished prefix and nothing above it, for any order of finishing and any gaps', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('fetch' as const), gap: fc.nat(3) }),
      fc.record({ kind: fc.constant('finish' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('advance' as const), by: fc.nat(5) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const ledger = new Ledger(0n, [])
        const model = new Model()
        const running: LedgerEntry[] = []
        for (const one of steps) {
          if (one.kind === 'fetch') {
            const offset = ledger.position + BigInt(one.gap)
            running.push(ledger.begin(offset)!)
            model.begun.add(offset)
            model.position = offset + 1n
          } else if (one.kind === 'advance') {
            ledger.advanceTo(ledger.position + BigInt(one.by))
            model.position = ledger.position
          } else if (running.length > 0) {
            const [entry] = running.splice(one.pick % running.length, 1)
            ledger.finish(entry!)
            model.finished.add(entry!.offset)
          }
          expect(ledger.prefix).toBe(model.prefix)
          expect(ledger.unfinished).toBe(running.length)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('does not run again what an earlier assignment finished above its commit, and runs everything else', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 300 }), fc.nat(1_000), (done, start) => {
        const base = BigInt(start)
        const first = new Ledger(base, [])
        const entries = done.map((_, i) => first.begin(base + BigInt(i))!)
        for (const [i, entry] of entries.entries()) if (done[i]) first.finish(entry)
        const metadata = encodeFinished(first.prefix, first.finishedAbovePrefix())

        const second = new Ledger(first.prefix, decodeFinished(first.prefix, metadata))
        const run = entries
          .filter(({ offset }) => offset >= first.prefix && second.begin(offset) !== undefined)
          .map(({ offset }) => offset)
        expect(run).toEqual(entries.filter(({ finished }) => !finished).map(({ offset }) => offset))
        for (const { offset } of entries) if (offset < first.prefix) expect(done[Number(offset - base)]).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('ignores a record that was handed over before', () => {
    const ledger = new Ledger(5n, [])
    expect(ledger.begin(4n)).toBeUndefined()
    expect(ledger.begin(5n)).toBeDefined()
    expect(ledger.begin(5n)).toBeUndefined()
  })
})

describe('commit metadata', () => {
  it('never grows past what a broker takes, and keeps the lowest ranges', () => {
    const ranges = Array.from({ length: 20_000 }, (_, i) => ({ from: BigInt(i * 1_000 + 500), to: BigInt(i * 1_000 + 501) }))
    const metadata = encodeFinished(0n, ranges)
    expect(metadata.length).toBeLessThanOrEqual(maxMetadataChars)
    const kept = decodeFinished(0n, metadata)
    expect(kept.length).toBeGreaterThan(100)
    expect(kept).toEqual(ranges.slice(0, kept.length))
  })

  it('takes the shorter of both forms', () => {
    const alternating = Array.from({ length: 4_000 }, (_, i) => ({ from: BigInt(2 * i + 1), to: BigInt(2 * i + 2) }))
    expect(encodeFinished(0n, alternating)).toMatch(/^s1:b:/)
    expect(encodeFinished(0n, [{ from: 5n, to: 90_000n }])).toBe('s1:r:5,1xfv;')
  })

  it.each(['', 'foreign', 's1:r:x', 's1:r:1', 's1:r:!,1;', 's1:b:ä', 's2:r:1,1;', `{"v":1}`])(
    'knows nothing above the prefix when it reads %j',
    metadata => {
      expect(decodeFinished(7n, metadata)).toEqual([])
    },
  )
})
