/** What a redrive would move, found out without moving it. */
import type { Admin } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { countLetters, type DlqSource, type LetterCount, readLetters, type Taken } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import { RedriveTargetUnfit } from '../errors.ts'
import { immediateTopic, movedTopic } from '../topic/names.ts'
import { type StaysBecause, staysBecause } from './copy.ts'

/** What the service knows about a letter's bytes. Passed in: redrive itself never decodes. */
export interface Judge {
  /** The type of a value that can be decoded now, or why it cannot. Rejects only when that could not be found out. */
  decode(letter: Letter): Promise<{ type: string } | { problem: string }>
  /** Whether the group has a handler for this type of this source topic. */
  handles(sourceTopic: string, type: string): boolean
}

/** Letters that would fare alike. */
export interface PlanKind {
  /** Full schema name; '' when it cannot be decoded. */
  readonly type: string
  /** Whether a handler exists for it. */
  readonly handled: boolean
  readonly letters: number
}

export interface RedrivePlan {
  readonly group: string
  /** `<group>.retry.0s` */
  readonly target: string
  /** Letters that would be moved. */
  readonly letters: number
  /** By partition of the DLQ, which is the target's too. */
  readonly partitions: readonly { readonly partition: number; readonly letters: number }[]
  readonly kinds: readonly PlanKind[]
  /** Why values cannot be decoded now, at most 20 different reasons. */
  readonly problems: readonly { readonly problem: string; readonly letters: number }[]
  /** How many letters were redriven how often before; those never redriven too. */
  readonly redrivenBefore: readonly { readonly times: number; readonly letters: number }[]
  /** Letters that would be left where they are. */
  readonly stays: readonly { readonly because: StaysBecause; readonly letters: number }[]
  /** Records of `<group>.dlq.moved` that could not be understood. */
  readonly unreadableMoves: number
}

export interface PlanOptions {
  readonly signal?: AbortSignal
  /** Which letters. Its limit counts those that would be moved. Default all. */
  readonly selection?: Selection
  /** Called for every letter read. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Reads all letters left and judges those that are selected. Moves nothing.
 * Rejects with DlqMissing (E_NO_DLQ), or RedriveTargetUnfit (E_REDRIVE_TARGET) when a run could not write its copies.
 */
export async function planRedrive(source: DlqSource, judge: Judge, options: PlanOptions = {}): Promise<RedrivePlan> {
  const count = await countLetters(source)
  await checkTarget(source.admin, count)
  const plan = new PlanSums()
  const onLetter = async (letter: Letter): Promise<Taken> => {
    const because = staysBecause(letter)
    if (!because) return plan.add(letter, judge)
    add(plan.stays, because)
    return 'left'
  }
  const { unreadableMoves } = await readLetters(source, onLetter, options)
  return {
    group: source.group,
    target: immediateTopic(source.group),
    letters: plan.letters,
    partitions: [...plan.partitions].map(([partition, letters]) => ({ partition, letters })),
    kinds: [...plan.kinds.values()].sort((a, b) => b.letters - a.letters),
    problems: byCount(plan.problems).map(([problem, letters]) => ({ problem, letters })),
    redrivenBefore: [...plan.times].sort((a, b) => a[0] - b[0]).map(([times, letters]) => ({ times, letters })),
    stays: byCount(plan.stays).map(([because, letters]) => ({ because, letters })),
    unreadableMoves,
  }
}

/**
 * Throws RedriveTargetUnfit (E_REDRIVE_TARGET) unless `<group>.retry.0s` has every partition in which letters are left and
 * `<group>.dlq.moved` exists: found out in the middle of a run, letters would have been copied and not recorded.
 */
export async function checkTarget(admin: Admin, count: LetterCount): Promise<void> {
  const target = immediateTopic(count.group)
  const moved = movedTopic(count.group)
  const needed = Math.max(0, ...count.partitions.filter(one => one.left > 0).map(one => one.partition + 1))
  const states = new Map((await admin.topics([target, moved])).map(state => [state.name, state]))
  for (const topic of [target, moved]) {
    if (!states.has(topic))
      throw new RedriveTargetUnfit(`cannot redrive '${count.group}': there is no topic ${topic}. Run: spillway topic apply`)
  }
  const has = states.get(target)!.partitions
  if (has >= needed) return
  throw new RedriveTargetUnfit(
    `cannot redrive '${count.group}': ${target} has ${has} partitions, but letters lie in partition ${needed - 1} of its DLQ ` +
      'and must keep their partition. Run: spillway topic apply',
  )
}

const maxProblems = 20

class PlanSums {
  letters = 0
  readonly partitions = new Map<number, number>()
  readonly kinds = new Map<string, { type: string; handled: boolean; letters: number }>()
  readonly problems = new Map<string, number>()
  readonly times = new Map<number, number>()
  readonly stays = new Map<StaysBecause, number>()

  async add(letter: Letter, judge: Judge): Promise<void> {
    this.letters++
    add(this.partitions, letter.partition)
    add(this.times, letter.trail?.redriveCount ?? 0)
    const decoded = await judge.decode(letter)
    if ('type' in decoded) {
      this.#addKind(decoded.type, judge.handles(letter.trail?.origin.topic ?? '', decoded.type))
      return
    }
    this.#addKind('', false)
    if (this.problems.has(decoded.problem) || this.problems.size < maxProblems) add(this.problems, decoded.problem)
  }

  #addKind(type: string, handled: boolean): void {
    const name = `${handled} ${type}`
    const kind = this.kinds.get(name) ?? { type, handled, letters: 0 }
    kind.letters++
    this.kinds.set(name, kind)
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function byCount<K>(counts: Map<K, number>): [K, number][] {
  return [...counts].sort((a, b) => b[1] - a[1])
}
