/** Offsets `from` up to, but not including, `to`. */
export type OffsetRange = readonly [from: bigint, to: bigint]

/** Which offsets of a DLQ's partitions were moved: a union of ranges. Adding the same range twice changes nothing. */
export class MovedRanges {
  /** Per partition: sorted, apart from each other, none empty. */
  readonly #partitions = new Map<number, [from: bigint, to: bigint][]>()

  add(partition: number, from: bigint, to: bigint): void {
    if (from >= to) return
    const ranges = this.#partitions.get(partition) ?? []
    this.#partitions.set(partition, ranges)
    const first = firstEndingAtOrAfter(ranges, from)
    let after = first
    const union: [bigint, bigint] = [from, to]
    for (; after < ranges.length && ranges[after]![0] <= to; after++) {
      if (ranges[after]![0] < union[0]) union[0] = ranges[after]![0]
      if (ranges[after]![1] > union[1]) union[1] = ranges[after]![1]
    }
    ranges.splice(first, after - first, union)
  }

  has(partition: number, offset: bigint): boolean {
    return this.nextLeft(partition, offset) !== offset
  }

  /** The first offset of `offset` and above that was not moved. */
  nextLeft(partition: number, offset: bigint): bigint {
    const ranges = this.#partitions.get(partition) ?? []
    const range = ranges[firstEndingAtOrAfter(ranges, offset + 1n)]
    return range && range[0] <= offset ? range[1] : offset
  }

  /** How many offsets of [low, high) were moved. Ranges outside count nothing: retention may have deleted what they speak of. */
  countWithin(partition: number, low: bigint, high: bigint): bigint {
    let count = 0n
    for (const [from, to] of this.ranges(partition)) {
      const start = from > low ? from : low
      const end = to < high ? to : high
      if (start < end) count += end - start
    }
    return count
  }

  ranges(partition: number): readonly OffsetRange[] {
    return this.#partitions.get(partition) ?? []
  }
}

/** The fewest ranges that hold these offsets and no other. They must grow. A gap is kept: what lies in it was not moved. */
export function rangesOf(offsets: Iterable<bigint>): OffsetRange[] {
  const ranges: [bigint, bigint][] = []
  for (const offset of offsets) appendOffset(ranges, offset)
  return ranges
}

/** Adds one that is above all that `ranges` hold. */
export function appendOffset(ranges: [from: bigint, to: bigint][], offset: bigint): void {
  const last = ranges.at(-1)
  if (last?.[1] === offset) last[1] = offset + 1n
  else ranges.push([offset, offset + 1n])
}

function firstEndingAtOrAfter(ranges: readonly OffsetRange[], offset: bigint): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]![1] < offset) low = middle + 1
    else high = middle
  }
  return low
}
