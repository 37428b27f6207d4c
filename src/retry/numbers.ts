/** The outstanding numbers of one entity, ascending. Nearly all come in at the end and leave at the head, by the hundred thousand. */
export interface Numbered {
  readonly number: bigint
  readonly timestampMs: number
}

export class Numbers<Entry extends Numbered> {
  #list: Entry[] = []
  /** Those below have left. */
  #head = 0

  get size(): number {
    return this.#list.length - this.#head
  }

  get first(): Entry | undefined {
    return this.#list[this.#head]
  }

  get(at: Numbered): Entry | undefined {
    const entry = this.#list[this.#search(at)]
    return entry && compare(entry, at) === 0 ? entry : undefined
  }

  /** The nearest smaller one. */
  before(at: Numbered): Entry | undefined {
    const place = this.#search(at) - 1
    return place < this.#head ? undefined : this.#list[place]
  }

  /** The nearest larger one. */
  after(at: Numbered): Entry | undefined {
    const place = this.#search(at)
    const entry = this.#list[place]
    return entry && compare(entry, at) === 0 ? this.#list[place + 1] : entry
  }

  /** There must be none that is equal. */
  add(entry: Entry): void {
    const place = this.#search(entry)
    if (place === this.#list.length) this.#list.push(entry)
    else this.#list.splice(place, 0, entry)
  }

  /** In any order; `sort` has to follow. */
  addUnsorted(entry: Entry): void {
    this.#list.push(entry)
  }

  sort(): void {
    this.#list.sort(compare)
  }

  /** False when it is not there. */
  remove(entry: Entry): boolean {
    const place = this.#search(entry)
    if (this.#list[place] !== entry) return false
    if (place > this.#head) this.#list.splice(place, 1)
    else if (++this.#head > 1_024 && this.#head * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#head)
      this.#head = 0
    }
    return true
  }

  /** Of those directly below `at`, one after the other, that are as asked for: the smallest. */
  firstOfRunBefore(at: Numbered, is: (entry: Entry) => boolean): Entry | undefined {
    let found: Entry | undefined
    for (let place = this.#search(at) - 1; place >= this.#head && is(this.#list[place]!); place--) found = this.#list[place]
    return found
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (let place = this.#head; place < this.#list.length; place++) yield this.#list[place]!
  }

  /** The first place whose entry is not smaller. */
  #search(at: Numbered): number {
    let high = this.#list.length
    // Nearly always it is one of the ends.
    if (high > this.#head && compare(this.#list[high - 1]!, at) < 0) return high
    let low = this.#head
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.#list[middle]!, at) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function compare(a: Numbered, b: Numbered): number {
  if (a.number !== b.number) return a.number < b.number ? -1 : 1
  return a.timestampMs - b.timestampMs
}
