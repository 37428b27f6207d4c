/**
 * The partition of a key, as the Java clients choose it, so that every language puts an entity in the same place.
 * murmur2 as in org.apache.kafka.common.utils.Utils; the constants are its own.
 */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

const multiplier = 0x5bd1e995

export function murmur2(data: Buffer): number {
  const length = data.length
  let hash = 0x9747b28c ^ length
  const end = length & ~3
  for (let i = 0; i < end; i += 4) {
    let word = Math.imul(data.readInt32LE(i), multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const rest = length & 3
  if (rest === 3) hash ^= data[end + 2]! << 16
  if (rest >= 2) hash ^= data[end + 1]! << 8
  if (rest >= 1) hash = Math.imul(hash ^ data[end]!, multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}
