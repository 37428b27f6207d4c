/**
 * The group that a replay runs as: `<group>.replay-<id>`. Its commits are all that a replay is: where it stands, as with any group,
 * and behind that in the metadata of each its range, so that whoever goes on needs no more than the id.
 */
import { createHash } from 'node:crypto'
import type { Admin, CommittedOffset } from '../broker/port.ts'
import type { PartitionRange } from './ranges.ts'

export interface Standing extends PartitionRange {
  /** Where it goes on. */
  readonly position: bigint
}

export interface SideGroup {
  readonly standings: readonly Standing[]
  /** Digest of the key that it is restricted to, '' for all records. */
  readonly keyDigest: string
}

/** The consume loop's own metadata has up to 4,000 characters, of 4,096 that a broker takes by default; this has up to 56. */
const mark = / r1:(\d{1,19})-(\d{1,19}):([0-9a-f]{8})?$/

export function sideGroupName(group: string, id: string): string {
  return `${group}.replay-${id}`
}

/** Eight hex digits: it tells a mistake, it hides nothing. */
export function digestOf(key: Buffer | undefined): string {
  return key === undefined ? '' : createHash('sha256').update(key).digest('hex').slice(0, 8)
}

export function marked(metadata: string, { from, to }: PartitionRange, keyDigest: string): string {
  return `${metadata} r1:${from}-${to}:${keyDigest}`
}

export function unmarked(metadata: string): string {
  return metadata.replace(mark, '')
}

/** Rejects with GroupActive (E_GROUP_ACTIVE) when somebody is in it. */
export async function beginSideGroup(
  admin: Admin,
  name: string,
  standings: readonly Standing[],
  keyDigest: string,
): Promise<void> {
  const commit = (one: Standing): CommittedOffset => ({
    topic: one.topic,
    partition: one.partition,
    offset: one.position,
    metadata: marked('', one, keyDigest),
  })
  await admin.commit(name, standings.map(commit))
}

/** Undefined when there is no such replay: it has ended, its offsets have expired, or it never was. */
export async function readSideGroup(admin: Admin, name: string, topics: readonly string[]): Promise<SideGroup | undefined> {
  const found = (await admin.committed(name, topics)).flatMap(({ topic, partition, offset, metadata }) => {
    const [, from, to, keyDigest = ''] = mark.exec(metadata) ?? []
    if (offset < 0n || from === undefined || to === undefined) return []
    return [{ topic, partition, from: BigInt(from), to: BigInt(to), position: offset, keyDigest }]
  })
  const [first] = found
  if (!first) return undefined
  return { standings: found.map(({ keyDigest: _, ...standing }) => standing), keyDigest: first.keyDigest }
}
