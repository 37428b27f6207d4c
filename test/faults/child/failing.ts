/**
 * How often the handler fails for a message: by its key and number alone, so that all processes agree. `flaky` fail at their first
 * try, `doomed` at every one. Of the messages of `unsteady` entities one in twelve fails one to three times, of `stubborn` ones one
 * to five; one in 150 of an `unsteady` one always does.
 */
export function failuresOf(key: string, seq: number): number {
  if (key.startsWith('doomed')) return Number.POSITIVE_INFINITY
  if (key.startsWith('flaky')) return 1
  const kind = key.split('-')[0]!
  if (kind !== 'unsteady' && kind !== 'stubborn') return 0
  const drawn = hash(`${key}/${seq}`)
  if (kind === 'unsteady' && drawn % 150 === 0) return Number.POSITIVE_INFINITY
  if (drawn % 12 !== 1) return 0
  return 1 + ((drawn >>> 8) % (kind === 'unsteady' ? 3 : 5))
}

/** FNV-1a, with the end of murmur3: else few numbers of short keys give few remainders. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (const char of text) state = Math.imul(state ^ char.codePointAt(0)!, 0x01000193) >>> 0
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}
