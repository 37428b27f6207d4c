import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MovedRanges, rangesOf } from '../../src/dlq/ranges.ts'

const range = fc
  .tuple(fc.bigInt({ min: 0n, max: 60n }), fc.bigInt({ min: 0n, max: 12n }))
  .map(([from, length]) => [from, from + length] as const)

test('a union of ranges holds exactly the offsets of its parts, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 25 }), parts => {
      const moved = new MovedRanges()
      const expected = new Set<bigint>()
      for (const [from, to] of parts) {
        moved.add(0, from, to)
        for (let offset = from; offset < to; offset++) expected.add(offset)
      }
      for (let offset = 0n; offset < 75n; offset++) {
        expect(moved.has(0, offset)).toBe(expected.has(offset))
        let next = offset
        while (expected.has(next)) next++
        expect(moved.nextLeft(0, offset)).toBe(next)
      }
      const kept = moved.ranges(0)
      for (const [i, [from, to]] of kept.entries()) {
        expect(from < to).toBe(true)
        if (i > 0) expect(from > kept[i - 1]![1]).toBe(true)
      }
    }),
  )
})

test('counting clips ranges to the offsets that exist', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 15 }), range, (parts, [low, high]) => {
      const moved = new MovedRanges()
      for (const [from, to] of parts) moved.add(3, from, to)
      let expected = 0n
      for (let offset = low; offset < high; offset++) if (moved.has(3, offset)) expected++
      expect(moved.countWithin(3, low, high)).toBe(expected)
    }),
  )
})

test('partitions do not know of each other', () => {
  const moved = new MovedRanges()
  moved.add(1, 0n, 10n)
  expect(moved.has(1, 5n)).toBe(true)
  expect(moved.has(0, 5n)).toBe(false)
  expect(moved.countWithin(0, 0n, 10n)).toBe(0n)
})

test('ranges of offsets leave out every gap', () => {
  expect(rangesOf([])).toEqual([])
  expect(rangesOf([3n, 4n, 5n, 7n, 9n, 10n])).toEqual([
    [3n, 6n],
    [7n, 8n],
    [9n, 11n],
  ])
})
