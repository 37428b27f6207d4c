/** Carries a plan out: the group's handlers run again, as a group beside it, from where the plan begins to where it ends. */
import type { Admin, BrokerRecord } from '../broker/port.ts'
import { GroupActive, UsageError } from '../errors.ts'
import { type ReplayGroupOptions, type RunningReplay, startReplayGroup } from '../process/replay-group.ts'
import { Bounds } from './bounds.ts'
import { Pace } from './pace.ts'
import type { ReplayPlan } from './plan.ts'
import { checkId } from './request.ts'
import { beginSideGroup, digestOf, readSideGroup, sideGroupName } from './side-group.ts'

export interface RunOptions extends Omit<ReplayGroupOptions, 'group' | 'topics'> {
  /** Names a new replay: it can be gone on with by this. A plan that resumes one has its own. */
  readonly id: string
  /** Records a second, at most. Default: as fast as it goes. */
  readonly ratePerSecond?: number
  /** After every commit. */
  readonly onProgress?: (progress: ReplayProgress) => void
  /** Ends it in good order: what runs is finished and committed. */
  readonly signal?: AbortSignal
}

export interface ReplayProgress {
  /** Of `total`, how many are handled, passed over or no records. */
  readonly done: number
  /** Offsets that were left when this run began. */
  readonly total: number
  readonly retried: number
  readonly failed: number
}

/** The counts are those of this run, not of one that it went on with. */
export interface ReplayResult {
  readonly group: string
  readonly id: string
  /** Records whose handler has returned. */
  readonly handled: number
  /** Tries after the first one. */
  readonly retried: number
  /** By the handler's wish, or for want of a handler. */
  readonly skipped: number
  /** Given up, and handed to `onLetter`. */
  readonly failed: number
  /** Delayed jobs that are not due: the group itself will handle them. */
  readonly notDue: number
  /** Offsets whose records were deleted before they could be read. */
  readonly gone: bigint
  /** Calls of `ctx.publish` and `ctx.schedule` that did nothing. */
  readonly suppressed: { readonly published: number; readonly scheduled: number }
  /** Ended before its end, by the signal: it can be gone on with. */
  readonly interrupted: boolean
  /** The side group could not be deleted, and why: it goes when its offsets expire. */
  readonly leftBehind: unknown
}

/**
 * Rejects with UsageError (E_USAGE) for a new one with the id of another, DataLost (E_DATA_LOST) when what is to be read is gone, GroupActive (E_GROUP_ACTIVE) when another process runs the
 * same replay, BrokerUnavailable, BrokerRefused, and with what `onLetter` rejects with. It can be gone on with then.
 */
export async function runReplay(plan: ReplayPlan, options: RunOptions): Promise<ReplayResult> {
  const id = plan.resumes ?? options.id
  const name = sideGroupName(plan.group, id)
  const admin = options.broker.admin()
  try {
    if (plan.resumes === undefined) await begin(admin, name, plan, id)
    const { bounds, running } = await replayed(name, plan, options)
    const interrupted = !bounds.isFinished
    const leftBehind = interrupted ? undefined : await admin.deleteGroup(name).catch(error => error)
    const { counts, suppressed } = running ?? nothing
    return { group: plan.group, id, ...counts, gone: bounds.gone, suppressed, interrupted, leftBehind }
  } finally {
    await admin.close()
  }
}

async function begin(admin: Admin, name: string, { group, partitions, key }: ReplayPlan, id: string): Promise<void> {
  checkId(id)
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  if (await readSideGroup(admin, name, topics)) throw new UsageError(`there is a replay ${id} of ${group} already: go on with it`)
  await beginSideGroup(admin, name, partitions, digestOf(key))
}

const nothing: Pick<RunningReplay, 'counts' | 'suppressed'> = {
  counts: { handled: 0, retried: 0, skipped: 0, failed: 0, notDue: 0 },
  suppressed: { published: 0, scheduled: 0 },
}

async function replayed(
  name: string,
  plan: ReplayPlan,
  options: RunOptions,
): Promise<{ bounds: Bounds; running: RunningReplay | undefined }> {
  const stopped = new AbortController()
  let running: RunningReplay | undefined
  const bounds = boundsOf(plan, options, () => {
    if (running) options.onProgress?.(progressOf(bounds, running))
  })
  if (bounds.isFinished || options.signal?.aborted) return { bounds, running }
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => {})
  const onLetter: RunOptions['onLetter'] = async letter => {
    try {
      await options.onLetter(letter)
    } catch (error) {
      // Nothing is passed over for it: the record is not finished, and is handled again when the replay goes on.
      lost.reject(error)
      throw error
    }
  }
  try {
    const topics = [...new Set(plan.partitions.map(({ topic }) => topic))]
    running = await startReplayGroup({ ...options, group: name, topics, broker: bounds.within(options.broker), onLetter })
    await Promise.race([bounds.finished, ended(options.signal, stopped.signal), failure(name, bounds, running), lost.promise])
  } catch (error) {
    if (running === undefined && options.signal?.aborted) return { bounds, running }
    throw error
  } finally {
    stopped.abort()
    await running?.stop()
  }
  return { bounds, running }
}

function boundsOf({ partitions, key }: ReplayPlan, { ratePerSecond }: RunOptions, onCommitted: () => void): Bounds {
  return new Bounds({
    standings: partitions,
    keyDigest: digestOf(key),
    onCommitted,
    ...(key && { wants: (record: BrokerRecord) => record.key?.equals(key) === true }),
    ...(ratePerSecond !== undefined && { pace: new Pace(ratePerSecond) }),
  })
}

/** Commits alone would stand still while one record at the front waits for a retry. */
function progressOf(bounds: Bounds, { counts }: RunningReplay): ReplayProgress {
  const { handled, skipped, notDue, failed, retried } = counts
  const [committed, total] = [Number(bounds.done), Number(bounds.total)]
  const settled = handled + skipped + notDue + failed + bounds.passedOver
  return { done: Math.min(total, Math.max(committed, settled)), total, retried, failed }
}

/** Resolves when the signal is aborted. `stopped` takes the listener away. */
function ended(signal: AbortSignal | undefined, stopped: AbortSignal): Promise<void> {
  return new Promise(resolve => signal?.addEventListener('abort', () => resolve(), { once: true, signal: stopped }))
}

async function failure(name: string, bounds: Bounds, running: RunningReplay): Promise<never> {
  const shared = bounds.shared.then(() => new GroupActive(`${name} is joined by another process: a replay runs in one at a time`))
  throw await Promise.race([running.failed, shared])
}
