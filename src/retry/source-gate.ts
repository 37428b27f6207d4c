/**
 * A tier's copy may run only when its source has been read past it, or to the end that it had at the assignment: else a smaller
 * number might lie there that nobody has seen. Pure.
 */
import type { Identity } from './order-index.ts'

interface Source {
  readonly end: bigint
  position: bigint
}

export class SourceGate<Item> {
  /** By topic, of one partition number. A source that is not assigned, as one that is gone, holds nothing back. */
  readonly #sources = new Map<string, Source>()
  #held: { readonly identity: Identity; readonly item: Item }[] = []

  add(topic: string, position: bigint, end: bigint): void {
    this.#sources.set(topic, { end, position })
  }

  isOpen({ topic, number }: Identity): boolean {
    const source = this.#sources.get(topic)
    return source === undefined || source.position > number || source.position >= source.end
  }

  hold(identity: Identity, item: Item): void {
    this.#held.push({ identity, item })
  }

  /** Gives what is held no longer. */
  advanced(topic: string, position: bigint): { identity: Identity; item: Item }[] {
    const source = this.#sources.get(topic)
    // One that begins anew, lower, has no smaller numbers of the records that wait: what it had is gone.
    if (source) this.#sources.set(topic, position < source.position ? { end: position, position } : { ...source, position })
    if (this.#held.length === 0) return []
    const free = this.#held.filter(({ identity }) => this.isOpen(identity))
    if (free.length > 0) this.#held = this.#held.filter(({ identity }) => !this.isOpen(identity))
    return free
  }
}
