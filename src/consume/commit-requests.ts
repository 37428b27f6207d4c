import type { CommittedOffset } from '../broker/port.ts'

/**
 * A group coordinator writes what one request commits as one batch, and refuses all of it when that is larger than the
 * `max.message.bytes` of `__consumer_offsets`, by default 1,048,588.
 */
const maxRequestBytes = 900_000
/** Of a commit in that batch, besides its names and metadata: some 50 bytes were seen. */
const frameBytes = 100

/**
 * One request, or several where one would be refused: partitions with 4,000 characters of metadata each are too many at 257. What
 * has the same partition number is never parted: a record finished in a tier and its successor at the source are committed together,
 * or a crash in between would run the old one after the new one.
 */
export function commitRequests(group: string, offsets: readonly CommittedOffset[]): CommittedOffset[][] {
  const requests: CommittedOffset[][] = []
  let roomBytes = 0
  for (const logs of Map.groupBy(offsets, ({ partition }) => partition).values()) {
    const bytes = logs.reduce((sum, log) => sum + group.length + log.topic.length + log.metadata.length + frameBytes, 0)
    if (requests.length === 0 || bytes > roomBytes) {
      requests.push([])
      roomBytes = maxRequestBytes
    }
    requests.at(-1)!.push(...logs)
    roomBytes -= bytes
  }
  return requests
}
