/**
 * What is outstanding of the entities of one partition number, and where. Pure; made anew for every assignment.
 *
 * A record's number is its offset at the source. A number stands here from when a copy of it is made, or it has to wait behind
 * another, until it has ended. Records of the source that were never held up do not: the lane of their entity has them in order,
 * and at a turn in that lane all smaller numbers that were fetched before have ended or stand here.
 */

import { Numbers } from './numbers.ts'

/** Copies of one record have it in common. The timestamp tells a record from the one that a topic made anew has at its offset. */
export interface Identity {
  /** Where and of what the record is, and for letters also the run that redrove them: these order among themselves. */
  readonly entity: string
  /** The source that the number is an offset of. */
  readonly topic: string
  readonly number: bigint
  readonly timestampMs: number
}

export interface Place {
  readonly topic: string
  readonly offset: bigint
}

export interface CopyState {
  /** One more for every copy. */
  readonly hop: number
  /** Milliseconds since 1970. */
  readonly dueAtMs: number
  /** Tries of the handler so far. */
  readonly attempt: number
  readonly firstFailedAtMs: number | undefined
  readonly fingerprint: string
}

/**
 * away: not fetched. waiting: fetched, not due. active: in its lane, running or being produced. kept: behind a smaller number.
 * gated: its source has not been read far enough.
 */
export type EntryState = 'away' | 'waiting' | 'active' | 'kept' | 'gated'

export interface Entry<Item> extends Identity {
  /** Where its one live record lies. */
  live: Place
  copy: CopyState
  state: EntryState
  /** The live record, once fetched. */
  item: Item | undefined
  /** The tier that a copy is being written to. */
  producingTo: string | undefined
  /** Fetched from there before the acknowledgement said which of them is the live one. */
  early: { readonly place: Place; readonly item: Item }[] | undefined
}

/** What lies at the source has made no copy. */
const never: CopyState = { hop: 0, dueAtMs: 0, attempt: 0, firstFailedAtMs: undefined, fingerprint: '' }

export class OrderIndex<Item> {
  readonly #entities = new Map<string, Numbers<Entry<Item>>>()

  /** Nothing is outstanding. */
  get isEmpty(): boolean {
    return this.#entities.size === 0
  }

  /** Whether a fetched record is the live one of its number, might be (its acknowledgement will say), is not, or the number is unknown. */
  fetched(identity: Identity, place: Place, item: Item): 'live' | 'early' | 'stale' | 'unknown' {
    const entry = this.get(identity)
    if (!entry) return 'unknown'
    if (isSame(entry.live, place)) {
      entry.item = item
      return 'live'
    }
    if (entry.producingTo !== place.topic) return 'stale'
    entry.early ??= []
    entry.early.push({ place, item })
    return 'early'
  }

  get(identity: Identity): Entry<Item> | undefined {
    return this.#entities.get(identity.entity)?.get(identity)
  }

  /** The nearest smaller number of the entity that is outstanding. */
  before(identity: Identity): Entry<Item> | undefined {
    return this.#entities.get(identity.entity)?.before(identity)
  }

  /** The nearest larger number of the entity, outstanding or not itself. */
  after(identity: Identity): Entry<Item> | undefined {
    return this.#entities.get(identity.entity)?.after(identity)
  }

  /** Of the numbers directly before this one that are kept here: the smallest. */
  firstKeptBefore(identity: Identity): Entry<Item> | undefined {
    return this.#entities.get(identity.entity)?.firstOfRunBefore(identity, ({ state }) => state === 'kept')
  }

  /** The number is outstanding from now on, and this is its live record. */
  register(identity: Identity, live: Place, item: Item, copy: CopyState = never): Entry<Item> {
    const known = this.get(identity)
    if (known) return known
    const place = { topic: live.topic, offset: live.offset }
    const fresh: Entry<Item> = { ...identity, live: place, copy, state: 'active', item, producingTo: undefined, early: undefined }
    this.numbersOf(identity.entity).add(fresh)
    return fresh
  }

  /**
   * The copy is acknowledged at `live`. Of the records fetched too early one may be it; the others are to be finished in the same
   * step.
   */
  moved(entry: Entry<Item>, live: Place, copy: CopyState): { item: Item | undefined; stale: Item[] } {
    const early = entry.early ?? []
    const item = early.find(({ place }) => isSame(place, live))?.item
    Object.assign(entry, { live, copy, item, state: item ? 'waiting' : 'away', producingTo: undefined, early: undefined })
    return { item, stale: early.flatMap(one => (one.item === item ? [] : [one.item])) }
  }

  /** The number has ended. Gives what was fetched of it and is not its live record. */
  ended(entry: Entry<Item>): Item[] {
    const numbers = this.#entities.get(entry.entity)
    if (!numbers?.remove(entry)) return []
    if (numbers.size === 0) this.#entities.delete(entry.entity)
    const stale = (entry.early ?? []).map(({ item }) => item)
    // What has left Numbers stays in its list for a while, and must not keep a record.
    entry.item = entry.early = undefined
    return stale
  }

  /** What was to be fetched from these offsets and never will be. */
  away(topic: string, from: bigint, to: bigint): Entry<Item>[] {
    return [...this.#entities.values()].flatMap(numbers =>
      [...numbers].filter(
        ({ live, state }) => state === 'away' && live.topic === topic && live.offset >= from && live.offset < to,
      ),
    )
  }

  /** The outstanding numbers of each entity, ascending. */
  entities(): IterableIterator<Numbers<Entry<Item>>> {
    return this.#entities.values()
  }

  /** For whoever fills it. */
  numbersOf(entity: string): Numbers<Entry<Item>> {
    const known = this.#entities.get(entity)
    if (known) return known
    const fresh = new Numbers<Entry<Item>>()
    this.#entities.set(entity, fresh)
    return fresh
  }
}

/** Takes what is found in the tiers, in whatever order, before anything runs. */
export class IndexBuilder<Item> {
  readonly #index = new OrderIndex<Item>()
  readonly #known = new Map<string, Entry<Item>>()

  /** Of several copies of one number the one with the most hops lives; gives the place of one that does not. */
  add(identity: Identity, live: Place, copy: CopyState): Place | undefined {
    const name = `${identity.number} ${identity.timestampMs} ${identity.entity}`
    const known = this.#known.get(name)
    if (!known) {
      const entry: Entry<Item> = {
        ...identity,
        live,
        copy,
        state: 'away',
        item: undefined,
        producingTo: undefined,
        early: undefined,
      }
      this.#known.set(name, entry)
      this.#index.numbersOf(identity.entity).addUnsorted(entry)
      return undefined
    }
    if (copy.hop < known.copy.hop) return live
    const stale = known.live
    known.live = live
    known.copy = copy
    return stale
  }

  build(): OrderIndex<Item> {
    for (const numbers of this.#index.entities()) numbers.sort()
    return this.#index
  }
}

/** How near a due time must be for those behind it to be held in memory rather than moved on. Milliseconds. */
const heldForMs = 10_000

/**
 * Whether a record stays here behind its nearest predecessor, or follows it into its tier. It may follow only what waits there,
 * its copy acknowledged: so a chain moves oldest first, and each follower once for each move of what is before it.
 */
export function follows(predecessor: Entry<unknown>, nowMs: number, keepsMuch: boolean): boolean {
  const { state, copy } = predecessor
  const restMs = copy.dueAtMs - nowMs
  if (state === 'away') return keepsMuch || restMs > heldForMs
  return state === 'waiting' && restMs > 0 && (keepsMuch || restMs > heldForMs)
}

function isSame(a: Place, b: Place): boolean {
  return a.offset === b.offset && a.topic === b.topic
}
