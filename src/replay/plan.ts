/** What a replay would read: a new one, or what is left of one that was interrupted. */
import type { Admin } from '../broker/port.ts'
import { GroupActive, UsageError } from '../errors.ts'
import { type ReplayGroupOptions, sourcesOf } from '../process/replay-group.ts'
import { resolveRanges } from './ranges.ts'
import { checkRequest, keyOf, parseRange, type ReplayRequest } from './request.ts'
import { digestOf, readSideGroup, type Standing, sideGroupName } from './side-group.ts'

export type Replayed = ReplayGroupOptions['processor']

export interface ReplayPlan {
  /** The group whose handlers are run. */
  readonly group: string
  /** Of the replay that is gone on with; undefined: it is a new one. */
  readonly resumes: string | undefined
  /** Of a new one, every partition with something to read; of one that is gone on with, all that it has. */
  readonly partitions: readonly Standing[]
  readonly key: Buffer | undefined
}

/** Rejects with UsageError (E_USAGE), BrokerRefused (E_BROKER_REFUSED), and GroupActive (E_GROUP_ACTIVE) while the replay runs somewhere. */
export async function planReplay(
  admin: Admin,
  processor: Replayed,
  request: ReplayRequest,
  nowMs = Date.now(),
): Promise<ReplayPlan> {
  checkRequest(request)
  if (request.resume !== undefined) return planRest(admin, processor, request.resume, keyOf(request))
  const { start } = sourcesOf(processor)
  const topics = chosenTopics(processor, request.topics)
  const ranges = await resolveRanges(admin, { group: processor.name, start }, topics, parseRange(request, nowMs))
  const partitions = ranges.filter(({ from, to }) => from < to).map(range => ({ ...range, position: range.from }))
  return { group: processor.name, resumes: undefined, partitions, key: keyOf(request) }
}

async function planRest(admin: Admin, processor: Replayed, id: string, key: Buffer | undefined): Promise<ReplayPlan> {
  const group = processor.name
  const name = sideGroupName(group, id)
  const side = await readSideGroup(admin, name, sourcesOf(processor).topics)
  if (!side)
    throw new UsageError(
      `there is no replay ${id} of ${group} to go on with: it has ended, or its offsets (${name}) have expired`,
    )
  if (side.keyDigest !== digestOf(key)) throw new UsageError(otherKey(id, side.keyDigest, key))
  const [state] = await admin.groups([name])
  if (state && state.members > 0)
    throw new GroupActive(
      `replay ${id} of ${group} is running: one process at a time. One that was killed counts until its session has ended, 30 s`,
    )
  return { group, resumes: id, partitions: side.standings, key }
}

function otherKey(id: string, keyDigest: string, key: Buffer | undefined): string {
  if (keyDigest === '') return `replay ${id} is one of all keys, and goes on as one: leave the key out`
  return key === undefined
    ? `replay ${id} is one of a single key: say which, as when it began`
    : `replay ${id} is one of another key: say the one with which it began`
}

/** Throws UsageError (E_USAGE) for one that the processor does not read. */
export function chosenTopics(processor: Replayed, wanted: readonly string[] = []): readonly string[] {
  const { topics } = sourcesOf(processor)
  if (wanted.length === 0) return topics
  const unknown = wanted.filter(topic => !topics.includes(topic))
  if (unknown.length > 0)
    throw new UsageError(`${processor.name} does not read ${unknown.join(', ')}: it reads ${topics.join(', ')}`)
  return topics.filter(topic => wanted.includes(topic))
}
